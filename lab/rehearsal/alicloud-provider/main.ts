import { join } from "node:path";
import { version } from "@pulumi/alicloud/package.json";
import { state } from "../../../toolchain/places";
import { serve } from "../../machine/provider/serve";
import { CloudProvider } from "./provider";
import { loopbackSite, machineSite } from "./sites";

// Tests use their own cloud folder, on the loopback interface and without root.
const ownFolder = process.env.SMS_CLOUD_FOLDER;
serve(new CloudProvider(version, ownFolder ?? join(state, "cloud"), ownFolder === undefined ? machineSite : loopbackSite));
