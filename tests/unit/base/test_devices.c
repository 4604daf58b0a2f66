/* Names of several devices: what is read, what is refused, and what stands for any of them. */
#include <stdio.h>
#include <string.h>

#include "base/devices.h"
#include "tests/unit/testing.h"

static void test_read(void) {
  pv_devices d = {.count = 7};
  EXPECT(pv_devices_read("0", &d) == NULL);
  EXPECT_U64(d.count, 1);
  EXPECT(pv_devices_read("10+0+99", &d) == NULL);
  EXPECT(!d.experts && d.count == 3 && d.number[0] == 10 && d.number[1] == 0 && d.number[2] == 99);
  static const char *const wrong[][2] = {{"", "joined by +"},
                                         {"+0", "joined by +"},
                                         {"0+", "joined by +"},
                                         {"0++1", "joined by +"},
                                         {"0,1", "joined by +"},
                                         {"-1", "joined by +"},
                                         {"0+100", "from 0 to 99"},
                                         {"00", "from 0 to 99"},
                                         {"1+2+1", "named twice"},
                                         {"0/", "/experts or nothing"},
                                         {"0/expert", "/experts or nothing"},
                                         {"0/experts+1", "/experts or nothing"},
                                         {"/experts", "joined by +"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const char *why = pv_devices_read(wrong[i][0], &d);
    if (EXPECT(why != NULL)) EXPECT_HAS(why, wrong[i][1]);
    EXPECT_U64(d.count, 3); /* untouched */
  }
  char many[PV_DEVICES_TEXT * 2] = "0";
  for (unsigned i = 1; i < PV_DEVICES_MAX; i++)
    snprintf(many + strlen(many), sizeof many - strlen(many), "+%u", i);
  EXPECT(strlen(many) + strlen("/experts") < PV_DEVICES_TEXT);
  EXPECT(pv_devices_read(many, &d) == NULL);
  EXPECT_U64(d.count, PV_DEVICES_MAX);
  snprintf(many + strlen(many), sizeof many - strlen(many), "+99");
  EXPECT_HAS(pv_devices_read(many, &d), "more than 64");
  EXPECT(pv_devices_read("2+0/experts", &d) == NULL);
  EXPECT(d.experts && d.count == 2 && d.number[0] == 2 && d.number[1] == 0);
}

static void test_fit(void) {
  EXPECT_U64(pv_devices_stem("cuda0+1"), 4);
  EXPECT_U64(pv_devices_stem("vulkan0"), 0);
  EXPECT_U64(pv_devices_stem("0+1"), 0);
  EXPECT(pv_devices_fit("cuda0+1", "cuda7:i16", 5));
  EXPECT(pv_devices_fit("cuda0+1", "cuda0+1+2+3", 11));
  EXPECT(pv_devices_fit("cuda0+1", "cuda0++", 7)); /* what is wrong with it is said elsewhere */
  EXPECT_U64(pv_devices_stem("cuda0+1/experts"), 4);
  EXPECT_U64(pv_devices_stem("cuda0+1/layers"), 0);
  EXPECT(pv_devices_fit("cuda0+1", "cuda3/experts:i8", 13));
  EXPECT(pv_devices_fit("cuda0+1", "cuda3/", 6));
  EXPECT(!pv_devices_fit("cuda0+1", "cuda3/e/f", 9));
  EXPECT(!pv_devices_fit("cuda0+1", "cuda/experts", 12));
  EXPECT(!pv_devices_fit("cuda0+1", "cuda", 4));
  EXPECT(!pv_devices_fit("cuda0+1", "cuda0x", 6));
  EXPECT(!pv_devices_fit("cuda0+1", "ptx0+1", 6));
  EXPECT(pv_devices_fit("vulkan0", "vulkan0", 7));
  EXPECT(!pv_devices_fit("vulkan0", "vulkan1", 7));
  EXPECT(!pv_devices_fit("vulkan0", "vulkan", 6));
}

int main(void) {
  return pv_testing_main("devices", (pv_case[]){PV_CASE(test_read), PV_CASE(test_fit), {0}});
}
