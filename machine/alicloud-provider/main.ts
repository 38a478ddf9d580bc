import { join } from "node:path";
import { version } from "@pulumi/alicloud/package.json";
import { state } from "../places";
import { serve } from "../provider/serve";
import { CloudProvider } from "./provider";
import { loopbackSite, machineSite } from "./sites";

// Tests keep a cloud of their own, on the loopback and without root.
const ownFolder = process.env.SMS_CLOUD_FOLDER;
serve(new CloudProvider(version, ownFolder ?? join(state, "cloud"), ownFolder === undefined ? machineSite : loopbackSite));
