import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { machineStack } from "../settings/machineStack";

/** The name of a stack, as an argument of a command. */
export interface StackName {
    /** The name in its file's name: `online` for `Pulumi.online.yaml`. */
    readonly name: string;
    /** The name for the engine: `online`, or `organization/sms/online` if the backend has several organizations. */
    readonly qualified: string;
}

const ofMachine = "local is this machine's own stack: `npm run up` brings it up, also after a run that was killed.";

/** The stacks that have a file in this folder. */
export function namesIn(folder: string): string[] {
    return (existsSync(folder) ? readdirSync(folder) : []).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
}

/** Reads `online`, `organization/online` and `organization/sms/online`. */
export function stackName(text: string): StackName {
    const [, name] = /^(?:\w[\w.-]*\/(?:sms\/)?)?(\w[\w.-]{0,99})$/.exec(text) ?? [];
    if (name === undefined) {
        throw new InvalidArgumentError("Allowed: a stack's name (online), or organization/sms/name.");
    }
    return { name, qualified: text };
}

/** The same, but only for a stack that has a file in this clone. */
export function stackWithFile(text: string): StackName {
    const stack = stackName(text);
    const names = namesIn(join(__dirname, ".."));
    if (!names.includes(stack.name)) {
        throw new InvalidArgumentError(`There is no Pulumi.${stack.name}.yaml; there are files for ${names.join(", ")}.`);
    }
    return stack;
}

/** The same, but only for a stack in the user's backend, so not for the machine's own stack. */
export function stackOfBackend(text: string): StackName {
    const stack = stackWithFile(text);
    if (stack.qualified === machineStack) {
        throw new InvalidArgumentError(ofMachine);
    }
    return stack;
}

/** Reads `online`, for commands that use only a stack file. It refuses qualified names and the machine's own stack. */
export function nameOnly(text: string): string {
    const { name, qualified } = stackOfBackend(text);
    if (name !== qualified) {
        throw new InvalidArgumentError(`Allowed: the name in Pulumi.<name>.yaml, here ${name}.`);
    }
    return name;
}

export const stackFlags = "-s, --stack <name>";
export const stackMeaning = "the stack: online for Pulumi.online.yaml";

/** `--stack`, which is required. */
export function stackOption(read: (text: string) => StackName = stackWithFile) {
    return new Option(stackFlags, stackMeaning).argParser(read).makeOptionMandatory();
}
