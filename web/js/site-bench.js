/**
 * The bench on a site without a server.
 * @module
 */
import { readData } from "./catalogue.js";
import { restoreBench } from "./site-restore.js";
import { loadInside, startSite } from "./site-page.js";

const home = startSite();
const { slug } = readData("lesson-data");
void home.store.work(slug).then(restoreBench, (error) => console.info(error)).then(loadInside).then(() => import("./bench.js"));
