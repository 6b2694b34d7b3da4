// @ts-check
/** The page that the browser kept for a reload without a connection: says since when, and goes back by itself. */
import { lastSeen, reset, since } from './tablet.js';
import { keepAsking } from './tablet-link.js';

const back = () => void reset();

since(document, lastSeen());
keepAsking({ url: () => '/tablet/alive.json', every: 5000, take: back, lost: () => {}, back });
