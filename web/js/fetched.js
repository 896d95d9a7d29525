/**
 * Pieces of the page that are fetched when they are first needed. Where the server is away just then, they are asked for
 * again until it is back.
 * @module
 */

/** So long after an attempt that failed comes the next, unless the browser says earlier that it is online. */
const AGAIN_MS = 3000;

/**
 * @template Piece
 * @param {() => Promise<Piece>} load an `import()`
 * @returns {Promise<Piece>}
 */
export async function fetched(load) {
  for (;;) {
    try {
      return await load();
    } catch (error) {
      // What fails in the piece itself fails again.
      if (!(error instanceof TypeError)) throw error;
      await new Promise((resolve) => {
        const again = () => {
          clearTimeout(timer);
          removeEventListener("online", again);
          resolve(null);
        };
        const timer = setTimeout(again, AGAIN_MS);
        addEventListener("online", again);
      });
    }
  }
}
