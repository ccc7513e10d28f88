/**
 * What a look at the server's tables found wrong counts when the next look finds it too: between the DROP and the CREATE
 * of a migration there is no such table, and what was committed before the look has then been read.
 */
export function createSecondLook<Problem>(): (found: Problem | null) => Problem | null {
  let before = false;
  return (found) => {
    const again = before;
    before = found !== null;
    return again ? found : null;
  };
}
