import { existsSync } from "node:fs";
import type { StackName } from "../cli/stackName";
import { machineStack } from "../settings/machineStack";
import { state } from "../toolchain/places";
import { stackFilePath } from "./stackFile";

/** Whether the stack is in the machine's own backend: `local` always, another stack from its first `npm run up`. */
export function isOfMachine({ name, qualified }: StackName): boolean {
    return qualified === machineStack || (qualified === name && existsSync(stackFilePath(state, name)));
}
