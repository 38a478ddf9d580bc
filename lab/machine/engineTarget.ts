/** The stack that `npm run pulumi -- …` works on. */
import { MachineError } from "../../toolchain/progress";

interface Target {
    /** One of the machine's stacks. */
    readonly stack: string;
    /** The engine's command and its options, without the stack. */
    readonly args: readonly string[];
}

/** Refused commands, each with the reason. They would select a stack of another backend, or make the machine lose its stacks. */
const refused: Record<string, string> = {
    new: "The project is this clone.",
    login: "The machine has a backend of its own.",
    logout: "The machine has a backend of its own.",
    "stack init": "The machine creates its stack itself: `npm run up`.",
    "stack select": "Each command names its stack: --stack NAME. Without it the stack is local.",
    "stack unselect": "Each command names its stack: --stack NAME. Without it the stack is local.",
    "stack rename": "The machine finds its stacks by their names.",
    "stack change-secrets-provider": "The machine keeps the passphrase of its stacks itself.",
    "state move": "The machine's stacks don't share resources.",
    "config cp": "The machine's stacks don't share settings.",
};

/** Commands that also accept a stack without `--stack`. */
const takesStackAsWord = new Set(["stack rm", "cancel"]);

/** Parses the engine's arguments from the command line. `--stack` names one of `stacks`. Other options that name a target are refused. */
export function targetOf(given: readonly string[], stacks: readonly string[]): Target {
    const [verb = ""] = given;
    if (verb.startsWith("-") && !["-h", "--help"].includes(verb)) {
        throw new MachineError(`The engine's command comes first, its options after it: npm run pulumi -- up ${verb}`);
    }
    const end = given.includes("--") ? given.indexOf("--") : given.length;
    const [options, rest] = [given.slice(0, end), given.slice(end)];
    const named: string[] = [];
    const args: string[] = [];
    for (let index = 0; index < options.length; index++) {
        const option = options[index] as string;
        const [, joined] = /^(?:--stack=|-s=|-s(?=.))(.*)$/s.exec(option) ?? [];
        if (option === "--stack" || option === "-s") {
            named.push(options[++index] ?? "");
        } else if (joined !== undefined) {
            named.push(joined);
        } else {
            refuseOtherTarget(option);
            args.push(option);
        }
    }
    if (named.length > 1) {
        throw new MachineError(`--stack is given ${named.length} times: ${named.join(", ")}. Give it only once.`);
    }
    const [stack = "local"] = named;
    if (!stacks.includes(stack)) {
        throw new MachineError(
            `This machine has no stack "${stack}"; it has ${stacks.join(", ")}. For a stack in another backend, call \`pulumi\` itself.`,
        );
    }
    refuseCommand(args);
    return { stack, args: [...args, ...rest] };
}

function refuseOtherTarget(option: string): void {
    if (/^--config-file(=|$)/.test(option)) {
        throw new MachineError("--config-file: a stack of the machine has one file. Change the settings in Pulumi.local.yaml.");
    }
    if (/^(--cwd(=|$)|-C)/.test(option)) {
        throw new MachineError(`${option}: the project is this clone. For another one, call \`pulumi\` itself.`);
    }
    // `-ys dev` is `--yes --stack dev`.
    if (/^-[A-Za-z]+[sC]/.test(option)) {
        throw new MachineError(`${option} may name a stack or a folder: write each option separately, with its long name.`);
    }
}

function refuseCommand(args: readonly string[]): void {
    const [verb = "", ...rest] = args;
    const words = rest.filter((word) => !word.startsWith("-"));
    for (const command of [verb, `${verb} ${words[0]}`]) {
        if (command in refused) {
            throw new MachineError(`pulumi ${command} is not for the machine's stacks. ${refused[command]}`);
        }
        const stray = command === verb ? words[0] : words[1];
        if (takesStackAsWord.has(command) && stray !== undefined) {
            throw new MachineError(`pulumi ${command} ${stray}: name the stack with --stack ${stray}.`);
        }
    }
}
