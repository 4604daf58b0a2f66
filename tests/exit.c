/* Linked by the coverage build alone: _exit keeps the counters of the process that ends by it, as
 * gcov does for exit and exec. */
_Noreturn void __real__exit(int code);
_Noreturn void __wrap__exit(int code);
void __gcov_dump(void);

_Noreturn void __wrap__exit(int code) {
  __gcov_dump();
  __real__exit(code);
}
