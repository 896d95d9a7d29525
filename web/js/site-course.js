/**
 * Pages that lead to lessons, on a site without a server: the course index and whatever else shows how far the learner is.
 * @module
 */
import { startPage } from "./app.js";
import { restoreCourse } from "./site-restore.js";
import { startSite } from "./site-page.js";

const home = startSite();
startPage();
void home.store.all().then(restoreCourse, (error) => console.info(error));
