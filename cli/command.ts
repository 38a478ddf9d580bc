/** The command line of an npm script: all that it takes, and one line on what it does. Anything else is refused before it does anything. */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { fail } from "./failure";
import { endBySignals } from "./foreground";

/** The npm script `name`. `does` is one line, which the script says before it begins. */
export function script(name: string, does: string): Command {
    return plain(name, does).hook("preAction", () => {
        // Standard output is for what the script has to tell.
        process.stderr.write(`${does}\n`);
    });
}

/** The npm script `name`, which gives its arguments to another program. That one reads them, and says what it does. */
export function passThrough(name: string, does: string): Command<[string[]]> {
    return plain(name, does).usage("[arguments]").allowUnknownOption().passThroughOptions().argument("[arguments...]");
}

function plain(name: string, does: string): Command {
    return new Command(name)
        .description(does)
        .configureHelp({ commandUsage: (command) => `npm run ${command.name()} -- ${command.usage()}` })
        .showHelpAfterError(`Nothing was done. \`npm run ${name} -- --help\` lists what it takes.`);
}

/** An action whose result is the exit code of the process. */
export function exitCode<Args extends unknown[]>(work: (...args: Args) => Promise<number>): (...args: Args) => Promise<void> {
    return async (...args) => {
        process.exitCode = await work(...args);
    };
}

/** Reads the arguments of this process and acts on them. A failure is told and becomes the exit code; `ended` is called in any case. */
export function start(command: CommandUnknownOpts, ended: () => void = () => {}): void {
    endBySignals();
    for (const each of [command, ...command.commands]) {
        refuseAmbiguous(each);
    }
    command.parseAsync().catch(fail).finally(ended);
}

/** Of two values commander takes the last, and it takes the next option for a value that was left out. */
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
