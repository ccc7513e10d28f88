/** What a snapshot of the server says of transactions. Pure. */

/** Whether the transaction has ended for this snapshot, `xmin:xmax:xip,…` (manual: Transaction ID and Snapshot Information Functions). */
export function isFinished(xid: number, snapshot: string): boolean {
  const [, xmax, running = ''] = snapshot.split(':');
  if (xmax === undefined) return true;
  const low = (text: string) => Number(BigInt.asUintN(32, BigInt(text)));
  const notBefore = ((xid - low(xmax)) | 0) >= 0; // 32-bit ids go round
  return !notBefore && !running.split(',').some((each) => each !== '' && low(each) === xid);
}
