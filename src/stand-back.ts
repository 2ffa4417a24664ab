// A process that others come before: it takes what CPU they leave, and goes first when memory runs out.
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/** @param oomScore 0 to 1000, as oom_score_adj. @param niceness 0 to 19 */
export function standBack(oomScore: number, niceness: number): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', String(oomScore))
    setPriority(process.pid, niceness)
  } catch {
    // Not allowed in some containers; nothing depends on it.
  }
}
