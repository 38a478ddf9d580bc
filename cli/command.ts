/**
 * The command line of an npm script: its arguments, and one line about its work. If other arguments are given, it refuses them before it
 * does anything.
 */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { fail } from "./failure";
import { endBySignals } from "./foreground";

/** The npm script `name`. The script prints the line `does` before it begins. */
export function script(name: string, does: string): Command {
    return plain(name, does).hook("preAction", () => {
        // Standard output is for the script's results.
        process.stderr.write(`${does}\n`);
    });
}

/** The npm script `name`, which passes its arguments to another program. That program reads them and prints its own messages. */
export function passThrough(name: string, does: string): Command<[string[]]> {
    return plain(name, does).usage("[arguments]").allowUnknownOption().passThroughOptions().argument("[arguments...]");
}

function plain(name: string, does: string): Command {
    return new Command(name)
        .description(does)
        .configureHelp({ commandUsage: (command) => `npm run ${command.name()} -- ${command.usage()}` })
        .showHelpAfterError(`Nothing was done. \`npm run ${name} -- --help\` lists its arguments.`);
}

/** An action whose result is the exit code of the process. */
export function exitCode<Args extends unknown[]>(work: (...args: Args) => Promise<number>): (...args: Args) => Promise<void> {
    return async (...args) => {
        process.exitCode = await work(...args);
    };
}

/** Reads the arguments of this process and runs the action. A failure is printed and becomes the exit code. `ended` is always called. */
export function start(command: CommandUnknownOpts, ended: () => void = () => {}): void {
    endBySignals();
    for (const each of [command, ...command.commands]) {
        refuseAmbiguous(each);
    }
    command.parseAsync().catch(fail).finally(ended);
}

/**
 * Refuses options that commander would read wrongly. If an option is given twice, commander takes the last value. If a value is missing,
 * commander takes the next option as the value.
 */
function refuseAmbiguous(command: CommandUnknownOpts): void {
    for (const option of command.options) {
        let given = 0;
        command.on(`option:${option.name()}`, (value: string | null) => {
            given++;
            if (given > 1) {
                command.error(`error: option '${option.flags}' is given ${given} times`);
            }
            if (value === "" || value?.startsWith("-")) {
                command.error(`error: option '${option.flags}' argument missing`);
            }
        });
    }
}
