import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stackFileSchema } from "./stackFileSchema";

writeFileSync(join(__dirname, "stack-file.schema.json"), `${JSON.stringify(stackFileSchema(), undefined, 4)}\n`);
