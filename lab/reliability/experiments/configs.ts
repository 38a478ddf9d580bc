import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { parse } from "../../../settings/parse";
import { keyOf } from "../../../settings/problems";
import { assertSame, engineIn } from "../../fixtures/engineReader";
import { runProgram } from "../../fixtures/program";
import { stackFileTexts } from "../../fixtures/stackFileTexts";
import { pause } from "../cluster";
import type { Count, Experiment, Form, Side, Stage, Trial } from "../experiment";
import type { Product } from "../product";
import { type Bad, badFile, changed, type Good, goodFiles, textsOf, type Values, type Verdict, verdict } from "../stackFiles";

const goodFile = (stack: string) => goodFiles().find((file) => file.stack === stack) as Good;

/** The verdict without checks: the program uses the file's values, and the defaults for missing keys. */
async function uncheckedVerdict({ stack, values, secrets, path }: Bad): Promise<Verdict> {
    const right = goodFile(stack);
    const settings = parse({
        stack,
        texts: { ...textsOf(right.values), ...right.secrets },
        encrypted: new Set(Object.keys(right.secrets)),
    });
    const wrongValue = path.reduce<unknown>((block, key) => (block as Values | undefined)?.[key], values);
    const checked = require.cache[require.resolve("../../../settings/parse")] as NodeJS.Module;
    const exports = checked.exports;
    checked.exports = { ...exports, parse: () => changed(settings, path, wrongValue) };
    const forget = () => {
        delete require.cache[require.resolve("../../../settings")];
    };
    try {
        forget();
        // If an output fails, code that waits for it never ends.
        await Promise.race([runProgram(stack, textsOf(values), secrets), pause(10).then(() => Promise.reject(new Error("no end")))]);
        return "not refused";
    } catch (error) {
        return error instanceof pulumi.RunError ? "refused without the key" : "a stack trace";
    } finally {
        checked.exports = exports;
        forget();
    }
}

interface Sizes {
    files: number;
    /** Files for the real engine on the real cluster. The program's own reader of settings reads the others. */
    byTheEngine: number;
    unchecked: number;
    /** Valid files in all YAML notations, for the engine and for the program's reader of files. */
    good: number;
}

const sizes: Record<Form, Sizes> = {
    full: { files: 500, byTheEngine: 12, unchecked: 60, good: 40 },
    short: { files: 500, byTheEngine: 1, unchecked: 10, good: 5 },
};

async function trial(stage: Stage, side: Side, form: Form): Promise<Trial> {
    const { files, byTheEngine, unchecked, good } = sizes[form];
    const isChecked = side.kind === "ours";
    const bad = fc.sample(badFile(), { numRuns: isChecked ? files : unchecked });
    const verdicts: Verdict[] = [];
    // Without checks, some promises of the program may fail after its verdict is known.
    const late = () => {};
    process.on("uncaughtException", late);
    for (const file of bad) {
        verdicts.push(isChecked ? verdict(file) : await uncheckedVerdict(file));
    }
    await pause(1);
    process.off("uncaughtException", late);
    const notes = bad
        .map((file, i) => ({ file, verdict: verdicts[i] }))
        .filter(({ verdict }) => isChecked && verdict !== "refused")
        .map(({ file, verdict }) => `${verdict}: ${keyOf(file.path)} of ${file.stack}`);
    const many = (wanted: Verdict) => verdicts.filter((verdict) => verdict === wanted).length;
    const group = "the program's reader of settings";
    const counts: Count[] = [
        { group, what: "invalid stack files", value: bad.length },
        { group, what: "different keys with a fault", value: new Set(bad.map(({ path }) => keyOf(path))).size },
        { group, what: "files not refused", value: many("not refused"), goal: 0 },
        { group, what: "files refused without the name of the key", value: many("refused without the key"), goal: 0 },
        { group, what: "files that caused a stack trace", value: many("a stack trace"), goal: 0 },
    ];
    return isChecked
        ? { counts: [...counts, ...(await readingCounts(good)), ...(await engineCounts(await stage.product(), byTheEngine))], notes }
        : { counts, notes };
}

/** Compares the values of the program's reader of files with the engine's. */
async function readingCounts(files: number): Promise<Count[]> {
    const folder = mkdtempSync(join(tmpdir(), "sms-configs-"));
    try {
        const engine = await engineIn(folder);
        let different = 0;
        for (const text of fc.sample(stackFileTexts(60), { numRuns: files })) {
            const said = await engine(text);
            different += said !== undefined && isSame(text, said) ? 0 : 1;
        }
        const group = "the program's reader of files, compared with `pulumi config`";
        return [
            { group, what: "valid stack files", value: files },
            { group, what: "files that the two read differently", value: different, goal: 0 },
        ];
    } finally {
        rmSync(folder, { recursive: true });
    }
}

function isSame(...[text, said]: Parameters<typeof assertSame>): boolean {
    try {
        assertSame(text, said);
        return true;
    } catch {
        return false;
    }
}

/**
 * Whether the file's faulty block is refused in an otherwise valid file. On the running stack only this block changes. Without this check,
 * a fault that needs a second block, or the notation in the file, would be deployed.
 */
function isBadAlone({ path, values, secrets }: Bad): boolean {
    const block = String(path[0]);
    const value = values[block];
    if (value === undefined || block === "production" || block in secrets) {
        return false;
    }
    const right = goodFile("local");
    return verdict({ ...right, path, values: { ...right.values, [block]: value } }) === "refused";
}

/** Runs `pulumi up` with bad files on the running stack. A change would show in its objects. */
async function engineCounts(product: Product, files: number): Promise<Count[]> {
    const { stack, cluster } = product;
    const generations = () =>
        cluster.kubectl(
            "get",
            "deployments,statefulsets,services,secrets,jobs",
            "--output=jsonpath={.items[*].metadata.uid} {.items[*].metadata.generation}",
        );
    const before = await generations();
    const bad = fc.sample(
        badFile().filter((file) => file.stack === "local" && isBadAlone(file)),
        { numRuns: files },
    );
    let [refused, named, traces] = [0, 0, 0];
    for (const { path, values } of bad) {
        const block = String(path[0]);
        await stack.configure({ [`sms:${block}`]: values[block] });
        const { exitCode, output } = await stack.up();
        refused += exitCode === 0 ? 0 : 1;
        named += output.includes(keyOf(path)) ? 1 : 0;
        traces += /\n\s+at .*\.(ts|js):\d+/.test(output) ? 1 : 0;
    }
    await product.configure();
    const group = "`pulumi up` on the running stack";
    return [
        { group, what: "invalid stack files", value: bad.length },
        { group, what: "files not refused", value: bad.length - refused, goal: 0 },
        { group, what: "files refused without the name of the key", value: bad.length - named, goal: 0 },
        { group, what: "files that caused a stack trace", value: traces, goal: 0 },
        { group, what: "objects in the cluster changed (1 = yes)", value: before === (await generations()) ? 0 : 1, goal: 0 },
    ];
}

export const configs: Experiment = {
    name: "configs",
    title: "Invalid stack files",
    method: [
        "fast-check takes the valid stack files of `local`, `test` and `online`. It puts one fault into each:",
        [
            "- A setting has a value out of its range, of another type or of another pattern.",
            "- An unknown key is added, or a required key is removed.",
            "- Two settings contradict each other.",
            "- An address has no scheme, an invalid port, or a password without percent-encoding.",
            "- A quantity has a wrong suffix.",
            "- A variable replaces one that the pods depend on.",
            "- A namespace belongs to Kubernetes or to an operator.",
            "- The cloud refuses a tag or a network.",
            "- YAML reads a value without quotes as another value.",
        ].join("\n"),
        "The engine and the program's own reader also read valid stack files in all YAML notations. Both must read the same values.",
    ].join("\n\n"),
    protections: { checks: "the program gets the settings without a check, on the engine's mocks" },
    trial,
};
