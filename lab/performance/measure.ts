/** Runs commands in turns, and measures their time, CPU time and memory. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

export interface Contender {
    readonly command: readonly [string, ...string[]];
    readonly cwd: string;
    readonly env?: Readonly<Record<string, string | undefined>>;
    /** Runs before each run. Its time is not measured. */
    readonly before?: () => Promise<void> | void;
}

/** One run of a command and all its child processes. */
export interface Run {
    readonly wallSeconds: number;
    readonly cpuSeconds: number;
    /** The memory of its largest process. */
    readonly memoryMiB: number;
    readonly output: string;
    readonly processes: readonly { readonly command: string; readonly cpuSeconds: number }[];
}

export interface Spread {
    readonly median: number;
    readonly least: number;
    readonly most: number;
}

export interface Measured {
    readonly wallSeconds: Spread;
    readonly cpuSeconds: Spread;
    readonly memoryMiB: Spread;
    readonly runs: number;
}

export function npmRun(script: string, cwd: string, ...args: string[]): Contender {
    return { command: ["npm", "run", "--silent", script, "--", ...args], cwd };
}

/** If `everySeconds` is above 0, also measures the single processes at this interval. That itself takes CPU time. */
export async function run({ command, cwd, env, before }: Contender, everySeconds = 0): Promise<Run> {
    await before?.();
    const folder = mkdtempSync(join(tmpdir(), "sms-bench-"));
    const file = join(folder, "used.json");
    try {
        const { all, failed } = await execa("python3", [join(__dirname, "rusage.py"), file, `${everySeconds}`, ...command], {
            cwd,
            env,
            all: true,
            reject: false,
            stdin: "ignore",
        });
        if (failed) {
            throw new Error(`${command.join(" ")}\n${all}`);
        }
        return { ...JSON.parse(readFileSync(file, "utf8")), output: all };
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}

/** Runs the contenders in turns, so that other load on the machine slows all of them equally. */
export async function sideBySide<Name extends string>(
    contenders: Readonly<Record<Name, Contender>>,
    { rounds, warmUps }: { rounds: number; warmUps: number },
): Promise<Record<Name, Measured>> {
    const names = Object.keys(contenders) as Name[];
    const runs = Object.fromEntries(names.map((name) => [name, [] as Run[]])) as Record<Name, Run[]>;
    for (let round = -warmUps; round < rounds; round++) {
        for (const name of names) {
            const one = await run(contenders[name]);
            if (round >= 0) {
                runs[name].push(one);
            }
        }
    }
    return Object.fromEntries(names.map((name) => [name, measured(runs[name])])) as Record<Name, Measured>;
}

function measured(runs: readonly Run[]): Measured {
    const of = (key: "wallSeconds" | "cpuSeconds" | "memoryMiB") => spread(runs.map((one) => one[key]));
    return { wallSeconds: of("wallSeconds"), cpuSeconds: of("cpuSeconds"), memoryMiB: of("memoryMiB"), runs: runs.length };
}

export function spread(values: readonly number[]): Spread {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = (sorted.length - 1) / 2;
    const median = ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
    return { median, least: sorted[0] as number, most: sorted.at(-1) as number };
}
