import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { clone } from "../../toolchain/places";

const { scripts } = JSON.parse(readFileSync(join(clone, "package.json"), "utf8")) as { scripts: Record<string, string> };

/** Scripts that run third-party programs. These read their arguments themselves. */
const tools: Record<string, string> = {
    "test:types": "tsc",
    "test:lint": "biome",
    "test:unit": "mocha",
    "test:scripts": "mocha",
    "test:stand-ins": "mocha",
    "test:engine": "mocha",
    "test:monitoring": "mocha",
};

/** Scripts that pass their arguments to another program, which checks them. */
const passing = ["pulumi", "kubectl"];

/** The required arguments of each script. */
const needed: Record<string, string[]> = {
    preview: ["--stack", "online"],
    deploy: ["--stack", "online"],
    release: ["--stack", "online"],
    scan: ["--stack", "online"],
    rollback: ["--stack", "online"],
    recover: ["--stack", "online"],
    drift: ["--stack", "online"],
    "stack:init": ["online"],
    clients: ["add", "shop", "--stack", "online"],
    "preview:comment": ["--stack", "online", "--head", "0".repeat(40), "--branch", "o:b", "--run", "https://x/1", "--file", "preview.json"],
    "stack:own": ["dev"],
};

/** Names that only a cluster can check. `shell` accepts any further words, because they are the command. */
const takesName: Record<string, string[]> = { logs: ["web"] };

interface Told {
    readonly exitCode: number | undefined;
    readonly output: string;
    readonly deeds: string;
}

/** Runs a script of package.json as npm does. Returns its output, and the actions that it attempted. */
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
    it("run this project's code, or begin with a tool that reads its arguments itself", () => {
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

describe("the actions of a script", () => {
    for (const [script, deed] of [
        ["schema", /^writeFileSync .*stack-file\.schema\.json\n/],
        ["test", /^spawn npm\n/],
        ["down", /^listen .*sms-machine\n/],
    ] as const) {
        it(`are detected and prevented: ${script}`, async () => assert.match((await run(script, [])).deeds, deed));
    }
});

for (const script of own) {
    describe(`npm run ${script}`, () => {
        it("prints its purpose and arguments with --help, and does nothing", async () => {
            const { exitCode, output, deeds } = await run(script, ["--help"]);
            assert.equal(deeds, "");
            assert.equal(exitCode, 0, output);
            assert.match(output, new RegExp(`^Usage: npm run ${script} -- .*\n\n[A-Z]`));
        });

        if (passing.includes(script)) {
            return;
        }

        it("refuses an unknown option", async () => {
            assertRefused(await run(script, [...(needed[script] ?? []), "--frobnicate"]), /unknown option '--frobnicate'/);
        });

        if (script !== "shell") {
            it("refuses an extra argument", async () => {
                const words = [...(needed[script] ?? []), ...(takesName[script] ?? []), "frobnicate"];
                assertRefused(await run(script, words), /too many arguments|'frobnicate' is invalid/);
            });
        }

        if (needed[script] !== undefined) {
            it("refuses to run without its required arguments", async () => {
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

    for (const script of ["deploy", "release", "rollback", "recover"]) {
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
        ["preview", ["--stack", "local", "--state"], /local is this machine's own stack: `npm run pulumi -- preview --stack local`/],
        ["rehearse", ["--stack", "acme/sms/online"], /Allowed: the name in Pulumi\.<name>\.yaml, here online/],
        ["rehearse", ["--stack", "local"], /local is this machine's own stack: `npm run up`/],
        ["rehearse", ["--stack", "nowhere"], /There is no Pulumi\.nowhere\.yaml/],
        ["prove", ["--only", "nothing"], /There is no experiment nothing/],
        ["prove", ["--without", "nothing"], /There is no protection nothing/],
        ["prove", ["--report", "--short"], /cannot be used with/],
        ["bench", ["--only", "preview,nothing"], /There is no row nothing/],
        ["bench", ["--only", "preview", "--report"], /cannot be used with/],
        ["preview:comment", ["--stack", "online", "--head", "main"], /Allowed: a whole commit id/],
        ["preview:comment", ["--stack", "online", "--run", "javascript:x"], /Allowed: the run's https address/],
        ["logs", ["--tail", "-1"], /argument missing|Allowed: a whole number/],
        ["logs", ["--stack", "nowhere"], /There is no Pulumi\.nowhere\.yaml/],
        ["forward", ["--port", "http"], /Allowed: a whole number from 0 to 65535/],
        ["stack:init", ["online", "--secrets-provider", "rot13"], /Allowed: passphrase, default, or awskms/],
        ["stack:init", ["../online"], /value '\.\.\/online' is invalid/],
        ["pulumi", ["destroy", "--stack", "dev"], /This machine has no stack "dev"/],
        ["stack:own", ["local"], /There is a Pulumi\.local\.yaml already; it was left as it is/],
        ["stack:own", ["acme/sms/dev"], /Allowed: the name alone, here dev/],
        ["stack:own", ["dev", "--registry", "x", "--username", "y"], /the machine's own cluster takes the machine's own registry/],
        ...["up", "down", "status"].map((script): [string, string[], RegExp] => [
            script,
            ["--stack", "online"],
            /This machine has no stack "online"; it has local/,
        ]),
    ];
    for (const [script, args, because] of others) {
        it(`are refused: ${script} ${args.join(" ")}`, async () => assertRefused(await run(script, args), because));
    }
});
