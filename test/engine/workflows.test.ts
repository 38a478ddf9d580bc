import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { parse } from "yaml";
import { built } from "../../toolchain/goModules";
import { clone } from "../../toolchain/places";

const folder = join(clone, ".github", "workflows");
const names = readdirSync(folder);

interface Job {
    if?: string;
    permissions?: Record<string, string>;
    environment?: string;
    steps: { uses?: string; run?: string; with?: Record<string, string>; env?: Record<string, string> }[];
}

interface Workflow {
    on?: { schedule?: { cron: string }[] };
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
                assert.match(uses ?? "", /^[\w-]+(\/[\w-]+)+@[0-9a-f]{40}$/, name);
            }
        }
    });

    it("run existing npm scripts, and no other code", () => {
        const { scripts } = JSON.parse(readFileSync(join(clone, "package.json"), "utf8")) as { scripts: Record<string, string> };
        for (const { name, steps } of jobs) {
            for (const { run } of steps.filter((step) => step.run !== undefined)) {
                const script = /^npm run --silent ([\w:]+)(?: |$)/.exec(run ?? "")?.[1];
                assert.ok(run === "npm ci" || (script !== undefined && script in scripts), `${name}: ${run}`);
            }
        }
    });

    it("start with no permission, and keep no token in the checkout", () => {
        for (const name of names) {
            assert.deepEqual(read(name).permissions, {}, name);
        }
        for (const { name, steps } of jobs) {
            for (const checkout of steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"))) {
                assert.equal(String(checkout.with?.["persist-credentials"]), "false", name);
            }
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

    it("publish the documents only from main, in a job that runs no code of the repository", () => {
        const { build, publish } = read("docs.yml").jobs as { build: Job; publish: Job & { if: string } };
        assert.deepEqual(build.permissions, { contents: "read" });
        assert.deepEqual(publish.permissions, { "id-token": "write", pages: "write" });
        assert.match(publish.if, /^github\.ref == 'refs\/heads\/main' && /);
        assert.deepEqual(
            publish.steps.map(({ uses }) => uses?.split("@")[0]),
            ["actions/deploy-pages"],
        );
    });

    it("check for drift every day, on main, with the read-only role", () => {
        const { jobs } = read("drift.yml");
        const job = jobs.online as Job;
        assert.deepEqual(job.permissions, { contents: "read", "id-token": "write", issues: "write" });
        assert.match(JSON.stringify(job), /refs\/heads\/main' && vars\.ALIBABA_PREVIEW_ROLE/);
        assert.doesNotMatch(JSON.stringify(job), /vars\.ALIBABA_ROLE/);
    });

    it("deploy main after an approval, one at a time, with keys from OIDC only", () => {
        const { concurrency, jobs } = read("up.yml");
        assert.deepEqual(concurrency, { group: "online", "cancel-in-progress": false });
        const job = jobs.online as Job;
        assert.equal(job.environment, "online");
        assert.deepEqual(job.permissions, { contents: "read", "id-token": "write" });
        const secrets = JSON.stringify(job).match(/secrets\.\w+/g) ?? [];
        const expected = ["COSIGN_PASSWORD", "COSIGN_PRIVATE_KEY", "PULUMI_CONFIG_PASSPHRASE"];
        assert.deepEqual(
            [...new Set(secrets)].sort(),
            expected.map((name) => `secrets.${name}`),
        );
    });

    it("deploy what was built, scanned and signed just before, with tools of fixed versions", () => {
        const steps = read("up.yml").jobs.online?.steps ?? [];
        const scripts = steps.flatMap(({ run }) => (run?.startsWith("npm run") ? [run] : []));
        assert.deepEqual(scripts, ["npm run --silent release -- --stack online", "npm run --silent deploy -- --stack online"]);
        const [first = ""] = scripts;
        const signing = steps.filter(({ env = {} }) => "COSIGN_PRIVATE_KEY" in env).map(({ run }) => run);
        assert.deepEqual(signing, [first]);
        const tools = steps.flatMap(({ uses = "", with: given = {} }) => (/cosign|grype|buildx/.test(uses) ? [{ uses, ...given }] : []));
        assert.deepEqual(
            tools.map(({ uses, ...versions }) => [uses.split("@")[0], versions]),
            [
                ["docker/setup-buildx-action", {}],
                ["sigstore/cosign-installer", { "cosign-release": "v2.6.2" }],
                ["anchore/scan-action/download-grype", { "grype-version": "v0.121.2" }],
            ],
        );
        assert.ok(tools.every(({ uses }) => steps.findIndex((step) => step.uses === uses) < steps.findIndex(({ run }) => run === first)));
    });

    it("scan by night what runs, with the role that only reads", () => {
        const { on, jobs } = read("supply.yml");
        assert.deepEqual(on?.schedule, [{ cron: "17 3 * * *" }]);
        const job = jobs.image as Job;
        assert.match(job.if ?? "", /github\.event_name == 'schedule'/);
        assert.deepEqual(job.permissions, { contents: "read", "id-token": "write" });
        assert.equal(job.steps.at(-1)?.run, "npm run --silent scan -- --stack online");
        assert.doesNotMatch(JSON.stringify(job), /vars\.ALIBABA_ROLE/);
    });
});
