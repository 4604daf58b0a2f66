/* What a child leaves behind when it ends: processes of its own, wherever they went. For child.c.
 */
#ifndef PV_BASE_ORPHANS_H
#define PV_BASE_ORPHANS_H

/* Before a child is forked: its orphans, and theirs, are given to this process from now on. The
 * child must begin a session of its own, which is how they are known. */
void pv_orphans_expect(void);

/* Once for each call above, after that child was waited for, or when none came of it. When no child
 * is left its orphans are killed and waited for. */
void pv_orphans_end(void);

#endif
