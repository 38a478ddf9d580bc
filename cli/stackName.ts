import { readdirSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";

/** A stack, as a command was given it. */
export interface StackName {
    /** What its file is called by: `online` for `Pulumi.online.yaml`. */
    readonly name: string;
    /** What the engine is given: the name, or `organization/sms/online` where the backend has several organizations. */
    readonly qualified: string;
}

/** The stack that this machine keeps, in a backend of its own. */
export const machineStack = "local";
export const ofMachine = "local is this machine's own stack: `npm run up` brings it up, also after one that was killed.";

/** Reads `online`, `organization/online` and `organization/sms/online`. */
export function stackName(text: string): StackName {
    const [, name] = /^(?:\w[\w.-]*\/(?:sms\/)?)?(\w[\w.-]{0,99})$/.exec(text) ?? [];
    if (name === undefined) {
        throw new InvalidArgumentError("Allowed: a stack's name (online), or organization/sms/name.");
    }
    return { name, qualified: text };
}

/** The same, of a stack that has a file in this clone. */
export function stackWithFile(text: string): StackName {
    const stack = stackName(text);
    const names = readdirSync(join(__dirname, "..")).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
    if (!names.includes(stack.name)) {
        throw new InvalidArgumentError(`There is no Pulumi.${stack.name}.yaml; there are files for ${names.join(", ")}.`);
    }
    return stack;
}

/** The same, of a stack in the user's backend. */
export function stackOfBackend(text: string): StackName {
    const stack = stackWithFile(text);
    if (stack.qualified === machineStack) {
        throw new InvalidArgumentError(ofMachine);
    }
    return stack;
}

/** Reads `online`: for stacks that are in no backend of the user's. */
export function fileName(text: string): string {
    const { name, qualified } = stackWithFile(text);
    if (name !== qualified) {
        throw new InvalidArgumentError(`Allowed: the name in Pulumi.<name>.yaml, here ${name}.`);
    }
    return name;
}

export const stackFlags = "-s, --stack <name>";
export const stackMeaning = "the stack: online for Pulumi.online.yaml";

/** `--stack`, which has to be given. */
export function stackOption(read: (text: string) => StackName = stackWithFile) {
    return new Option(stackFlags, stackMeaning).argParser(read).makeOptionMandatory();
}
