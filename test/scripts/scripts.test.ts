import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { clone } from "../../machine/places";

const { scripts } = JSON.parse(readFileSync(join(clone, "package.json"), "utf8")) as { scripts: Record<string, string> };

/** Other people's programs, which read their arguments themselves. */
const tools: Record<string, string> = {
    "test:types": "tsc",
    "test:lint": "biome",
    "test:unit": "mocha",
    "test:scripts": "mocha",
    "test:stand-ins": "mocha",
    "test:engine": "mocha",
    "test:monitoring": "mocha",
    "test:machine": "mocha",
};

/** Those that hand their arguments to another program, and what that one does. */
const passing = ["pulumi", "kubectl"];

/** What each needs to be called at all. */
const needed: Record<string, string[]> = {
    preview: ["--stack", "online"],
    deploy: ["--stack", "online"],
    rollback: ["--stack", "online"],
    recover: ["--stack", "online"],
    "stack:init": ["online"],
    "preview:comment": ["--file", "preview.md", "--pr", "7", "--head", "0".repeat(40)],
};

interface Told {
    readonly exitCode: number | undefined;
    readonly output: string;
    readonly deeds: string;
}

/** Runs a script of package.json as npm does, and gives what it said and what it would have done. */
async function run(script: string, args: readonly string[]): Promise<Told> {
    const folder = mkdtempSync(join(tmpdir(), "sms-script-"));
    const deeds = join(folder, "deeds");
    const { exitCode, all } = await execa("sh", ["-c", `${scripts[script]} "$@"`, "sh", ...args], {
        cwd: clone,
        env: {
            PATH: [join(clone, "node_modules", ".bin"), process.env.PATH].join(delimiter),
            NODE_OPTIONS: `--require ${join(clone, "test", "scripts", "refuseDeeds.cjs")}`,
            SMS_DEEDS: deeds,
        },
        all: true,
        reject: false,
        stdin: "ignore",
    });
    const told = { exitCode, output: all, deeds: existsSync(deeds) ? readFileSync(deeds, "utf8") : "" };
    rmSync(folder, { recursive: true });
    return told;
}

function assertRefused({ exitCode, output, deeds }: Told, because: RegExp): void {
    assert.equal(deeds, "");
    assert.equal(exitCode, 1, output);
    assert.match(output, because);
    assert.doesNotMatch(output, /\n\s+at .*:\d+/, "no stack trace");
}

const own = Object.keys(scripts).filter((script) => !(script in tools));

describe("the npm scripts", () => {
    it("are ours, or begin with a tool that reads its arguments itself", () => {
        for (const [script, tool] of Object.entries(tools)) {
            assert.equal(scripts[script]?.split(" ")[0], tool, script);
        }
    });

    it("are one command each: arguments reach only the last of several", () => {
        for (const script of own) {
            assert.match(scripts[script] as string, /^node -r \.\/register\.cjs [\w/-]+\.ts( [a-z]+)?$/, script);
        }
    });
});

describe("what a script does", () => {
    for (const [script, deed] of [
        ["schema", /^writeFileSync .*stack-file\.schema\.json\n/],
        ["test", /^spawn npm\n/],
        ["down", /^listen .*sms-machine\n/],
    ] as const) {
        it(`is noticed here, and doesn't come about: ${script}`, async () => assert.match((await run(script, [])).deeds, deed));
    }
});

for (const script of own) {
    describe(`npm run ${script}`, () => {
        it("says what it does and takes, and does nothing, with --help", async () => {
            const { exitCode, output, deeds } = await run(script, ["--help"]);
            assert.equal(deeds, "");
            assert.equal(exitCode, 0, output);
            assert.match(output, new RegExp(`^Usage: npm run ${script} -- .*\n\n[A-Z]`));
        });

        if (passing.includes(script)) {
            return;
        }

        it("refuses an option that it doesn't know", async () => {
            assertRefused(await run(script, [...(needed[script] ?? []), "--frobnicate"]), /unknown option '--frobnicate'/);
        });

        it("refuses a stray word", async () => {
            assertRefused(await run(script, [...(needed[script] ?? []), "frobnicate"]), /too many arguments|'frobnicate' is invalid/);
        });

        if (needed[script] !== undefined) {
            it("refuses to be called without what it needs", async () => {
                assertRefused(await run(script, []), /required option|missing required argument/);
            });
        }
    });
}

const misread: [args: string[], because: RegExp][] = [
    [["--stack"], /argument missing/],
    [["--stack="], /argument '' is invalid/],
    [["--stack", "--strict"], /argument '--strict' is invalid/],
    [["--stack", "../x"], /argument '\.\.\/x' is invalid/],
    [["--stack", "acme/other/online"], /argument 'acme\/other\/online' is invalid/],
    [["--stack", "nowhere"], /There is no Pulumi\.nowhere\.yaml; there are files for .*online/],
    [["--stack", "online", "--stack", "test"], /is given 2 times/],
    [["--stack", "online", "-s", "test"], /is given 2 times/],
];

describe("--stack", () => {
    for (const [args, because] of misread) {
        it(`is refused as ${args.join(" ")}`, async () => assertRefused(await run("preview", args), because));
    }

    for (const script of ["deploy", "rollback", "recover"]) {
        it(`is refused by ${script} when it is given twice`, async () => {
            assertRefused(await run(script, ["--stack", "online", "--stack", "test"]), /is given 2 times/);
        });
    }
});

describe("other options", () => {
    const others: [script: string, args: string[], because: RegExp][] = [
        ["preview", ["--stack", "online", "--markdown", "--state"], /argument missing/],
        ["preview", ["--stack", "online", "--markdown", "a", "--markdown", "b"], /is given 2 times/],
        ["preview", ["--stack", "online", "--state=yes"], /unknown option '--state=yes'|does not take/],
        ["rollback", ["--stack", "online", "--to", ""], /argument .. is invalid/],
        ["rollback", ["--stack", "online", "--to", "yesterday"], /Allowed: TAG@sha256/],
        ["recover", ["--stack", "nowhere"], /There is no Pulumi\.nowhere\.yaml/],
        ["stack:init", ["nowhere"], /There is no Pulumi\.nowhere\.yaml/],
        ["deploy", ["--stack", "local"], /local is this machine's own stack: `npm run up`/],
        ["recover", ["--stack", "local"], /local is this machine's own stack/],
        ["stack:init", ["local"], /local is this machine's own stack/],
        ["preview", ["--stack", "local", "--state"], /local is this machine's own stack: .* `npm run pulumi -- preview`/],
        ["rehearse", ["--stack", "acme/sms/online"], /Allowed: the name in Pulumi\.<name>\.yaml, here online/],
        ["rehearse", ["--stack", "nowhere"], /There is no Pulumi\.nowhere\.yaml/],
        ["prove", ["--only", "nothing"], /There is no experiment nothing/],
        ["prove", ["--without", "nothing"], /There is no protection nothing/],
        ["prove", ["--report", "--short"], /cannot be used with/],
        ["bench", ["--only", "preview,nothing"], /There is no row nothing/],
        ["bench", ["--only", "preview", "--report"], /cannot be used with/],
        ["preview:comment", ["--file", "x", "--pr", "7; rm", "--head", "0".repeat(40)], /Allowed: the number/],
        ["preview:comment", ["--file", "x", "--pr", "7", "--head", "main"], /Allowed: a whole commit id/],
        ["stack:init", ["../online"], /value '\.\.\/online' is invalid/],
        ["pulumi", ["destroy", "--stack", "dev"], /This machine has no stack "dev"/],
    ];
    for (const [script, args, because] of others) {
        it(`are refused: ${script} ${args.join(" ")}`, async () => assertRefused(await run(script, args), because));
    }
});
