import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { parse } from "yaml";
import { built } from "../../machine/toolchain";
import { clone } from "../../operations/operation";

const folder = join(clone, ".github", "workflows");
const names = readdirSync(folder);

interface Job {
    permissions?: Record<string, string>;
    environment?: string;
    steps: { uses?: string; run?: string; with?: Record<string, string>; env?: Record<string, string> }[];
}

interface Workflow {
    permissions?: Record<string, string>;
    concurrency?: { group: string; "cancel-in-progress": boolean };
    jobs: Record<string, Job>;
}

const read = (name: string) => parse(readFileSync(join(folder, name), "utf8")) as Workflow;
const jobs = names.flatMap((name) => Object.entries(read(name).jobs).map(([job, value]) => ({ name: `${name} ${job}`, ...value })));

describe("the workflows", () => {
    it("pass actionlint", async () => {
        const { exitCode, all } = await execa(
            join(await built("actionlint"), "actionlint"),
            ["-no-color", ...names.map((name) => join(folder, name))],
            {
                all: true,
                reject: false,
            },
        );
        assert.equal(exitCode, 0, all);
    });

    it("name every action by its full commit", () => {
        for (const { name, steps } of jobs) {
            for (const { uses } of steps.filter((step) => step.uses !== undefined)) {
                assert.match(uses ?? "", /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/, name);
            }
        }
    });

    it("run npm scripts that there are, and nothing else of their own", () => {
        const { scripts } = JSON.parse(readFileSync(join(clone, "package.json"), "utf8")) as { scripts: Record<string, string> };
        for (const { name, steps } of jobs) {
            for (const { run } of steps.filter((step) => step.run !== undefined)) {
                const script = /^npm run --silent ([\w:]+) /.exec(run ?? "")?.[1];
                assert.ok(
                    run === "npm ci" || run === 'echo "$NUMBER" > number' || (script !== undefined && script in scripts),
                    `${name}: ${run}`,
                );
            }
        }
    });

    it("start with no permission, and keep no token in the checkout", () => {
        for (const name of names) {
            assert.deepEqual(read(name).permissions, {}, name);
        }
        for (const { name, steps } of jobs) {
            const checkout = steps.find(({ uses }) => uses?.startsWith("actions/checkout@"));
            assert.equal(String(checkout?.with?.["persist-credentials"]), "false", name);
        }
    });

    it("give forks neither keys nor secrets", () => {
        const job = read("preview.yml").jobs["without-keys"] as Job;
        assert.deepEqual(job.permissions, { contents: "read" });
        assert.doesNotMatch(JSON.stringify(job), /secrets\.|id-token|configure-aliyun/);
    });

    it("write comments only where no code of a pull request runs", () => {
        for (const { name, permissions } of jobs) {
            assert.equal(permissions?.["pull-requests"] === "write", name === "comment.yml comment", name);
        }
        assert.doesNotMatch(readFileSync(join(folder, "comment.yml"), "utf8"), /ref:/);
    });

    it("bring main online after an approval, one at a time, with keys from OIDC alone", () => {
        const { concurrency, jobs } = read("up.yml");
        assert.deepEqual(concurrency, { group: "online", "cancel-in-progress": false });
        const job = jobs.online as Job;
        assert.equal(job.environment, "online");
        assert.deepEqual(job.permissions, { contents: "read", "id-token": "write" });
        const secrets = JSON.stringify(job).match(/secrets\.\w+/g);
        assert.deepEqual(secrets, ["secrets.PULUMI_CONFIG_PASSPHRASE"]);
    });
});
