/**
 * The course index: nothing of its own moves, only the board in the bar.
 * @module
 */
import { goLive, startPage } from "./app.js";

goLive(startPage(), ["/events?board=tab"]);
