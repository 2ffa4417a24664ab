// Publishes a retained message of which only the newest counts: one under way, the next when it has arrived.

export class Latest {
  private busy = false
  private again = false

  /** @param publish builds and sends the message as it is now; failures are the connection's to report. */
  constructor(private readonly publish: () => Promise<void>) {}

  async send(): Promise<void> {
    if (this.busy) {
      this.again = true
      return
    }
    this.busy = true
    try {
      do {
        this.again = false
        await this.publish()
      } while (this.again)
    } catch {
      // At the next connection it is sent anyway.
    } finally {
      this.busy = false
    }
  }
}
