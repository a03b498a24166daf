import { rooms } from "./rooms.js";

rooms({ replies: true });
