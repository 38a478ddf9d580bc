import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { execa } from "execa";
import type { Document } from "../../operations/document";
import { Copy } from "./copy";

/** One edit of a branch: the text `old` in a file becomes `next`. */
type Edit = readonly [file: string, old: string, next: string];

describe("npm run preview --base, by the real engine", () => {
    let copy: Copy;
    const git = (...args: string[]) => execa("git", ["-c", "user.name=t", "-c", "user.email=t@example", ...args], { cwd: copy.path(".") });

    before(async () => {
        copy = Copy.make();
        await git("init", "--quiet");
        writeFileSync(copy.path(".git/info/exclude"), "node_modules\n");
        await git("add", "--all");
        await git("commit", "--quiet", "--message", "base");
    });
    after(() => copy.remove());

    /** Compares a branch with these edits to HEAD. Returns the JSON document and the comment's text. */
    async function compared(...edits: Edit[]): Promise<{ document: Document; comment: string }> {
        for (const edit of edits) {
            copy.edit(...edit);
        }
        const { exitCode, stdout, stderr } = await copy.runApart("preview", [
            "--stack",
            "online",
            "--base",
            "HEAD",
            "--json",
            "--markdown",
            copy.path("../preview.md"),
        ]);
        await git("checkout", "--quiet", ".");
        await git("clean", "--quiet", "--force", "-d");
        assert.equal(exitCode, 0, stderr);
        return { document: JSON.parse(stdout) as Document, comment: copy.read("../preview.md") };
    }

    /** All changes, in the form `~ worker-deployment: spec.replicas 6 -> 60`. */
    const changes = ({ changes }: Document) =>
        changes
            .filter(({ operation }) => operation !== "same")
            .flatMap(({ name, operation, isByDesign, properties }) => {
                const what = `${operation}${isByDesign ? " by design" : ""} ${name}`;
                return properties.length === 0 ? [what] : properties.map(({ path, from, to }) => `${what}: ${path} ${from} -> ${to}`);
            });

    it("finds no change if nothing changed, in spite of generated names", async () => {
        const { document, comment } = await compared();
        assert.equal(document.against, "base", document.baseProblem);
        assert.deepEqual(changes(document), []);
        assert.match(comment, /## Preview of `online`: no changes\n/);
    });

    it("shows a changed number and size of workers, and their resources", async () => {
        const { document, comment } = await compared([
            "Pulumi.online.yaml",
            "  sms:worker:\n    replicas: 6\n",
            '  sms:worker:\n    replicas: 60\n    resources: { requests: { cpu: "0.1", memory: 32Gi }, limits: { cpu: "1", memory: 32Gi } }\n',
        ]);
        const container = "spec.template.spec.containers[sms-worker].resources";
        assert.deepEqual(changes(document), [
            "update worker-deployment: spec.replicas 6 -> 60",
            `update worker-deployment: ${container}.limits.memory 800Mi -> 32Gi`,
            `update worker-deployment: ${container}.requests.memory 200Mi -> 32Gi`,
        ]);
        assert.match(comment, /: 1 to update\n/);
        assert.match(comment, /- ~ update `worker-deployment` Deployment\n {4}- `spec\.replicas`: `6` → `60`\n/);
        assert.match(comment, /\| \*\*pods\*\* \| 13 \| \*\*67\*\* \|/);
    });

    it("shows a MongoDB of another size", async () => {
        const { document, comment } = await compared(["Pulumi.online.yaml", "storageGb: 20", "storageGb: 3000"]);
        assert.deepEqual(changes(document), ["update mongo-instance: dbInstanceStorage 20 -> 3000"]);
        assert.match(
            comment,
            /\| \*\*MongoDB\*\* \| 3 nodes of .*each with 20 GB of storage \| \*\*3 nodes of .*each with 3000 GB of storage\*\* \|/,
        );
    });

    it("shows logs with a retention of one day", async () => {
        const { document, comment } = await compared(["Pulumi.online.yaml", "retentionDays: 30", "retentionDays: 1"]);
        assert.deepEqual(changes(document), ["update logs-store: retentionPeriod 30 -> 1"]);
        assert.match(comment, /\| \*\*logs kept\*\* \| 30 days \| \*\*1 day\*\* \|/);
    });

    it("shows changed code in the image and in all workloads that run it", async () => {
        const { document, comment } = await compared(["app/sms/names.py", "\n", "\n# changed\n"]);
        const names = document.changes.filter(({ operation }) => operation !== "same").map(({ name }) => name);
        assert.deepEqual(names, ["beat-deployment", "image-image", "preparation-job", "web-deployment", "worker-deployment"]);
        assert.match(comment, /: 4 to update, 1 to replace by design\n/);
        assert.doesNotMatch(comment, /REPLACE/);
        const [pod] = changes(document).filter((line) => line.startsWith("update web-deployment"));
        assert.match(pod ?? "", /containers\[sms-web\]\.image \S+ -> \S+$/);
    });

    it("shows an added pool of workers", async () => {
        const { document, comment } = await compared([
            "Pulumi.online.yaml",
            "  # More pools go beside it",
            "  sms:workerPools: { upkeep: { queues: [sms-maintenance], replicas: 1, concurrency: 2 } }\n  # More pools go beside it",
        ]);
        const created = document.changes.filter(({ operation }) => operation === "create").map(({ name }) => name);
        assert.deepEqual(created, ["worker-upkeep", "worker-upkeep-deployment", "worker-upkeep-disruption-budget"]);
        assert.match(
            comment,
            /\| \+ create \| `worker-upkeep` \| 3 \| Worker, `worker-upkeep-deployment` Deployment, `worker-upkeep-disruption-budget` PodDisruptionBudget \|/,
        );
    });

    it("names the encrypted values that differ, without their content", async () => {
        const { document, comment } = await compared([
            "Pulumi.online.yaml",
            "config:\n",
            "config:\n  sms:redisPassword: { secure: v1:abc:def }\n",
        ]);
        assert.deepEqual(document.changedSecrets, ["sms:redisPassword"]);
        assert.match(comment, /Encrypted again, or for the first time: `sms:redisPassword`\./);
    });

    it("gives the reason if the base can't be previewed and nothing is compared", async () => {
        copy.edit("Pulumi.online.yaml", "replicas: 6", "replicas: -6");
        await git("commit", "--quiet", "--all", "--message", "broken");
        const { document, comment } = await compared(["Pulumi.online.yaml", "replicas: -6", "replicas: 6"]);
        await git("reset", "--quiet", "--hard", "HEAD^");
        assert.equal(document.against, "nothing");
        assert.match(comment, /compared to nothing.*The base couldn't be previewed: .*sms:web\.replicas/);
    });

    it("refuses a base that does not exist, and two bases", async () => {
        assert.match((await copy.run("preview", ["--stack", "online", "--base", "nowhere"])).output, /git knows no commit nowhere here/);
        assert.match((await copy.run("preview", ["--stack", "online", "--base", "HEAD", "--state"])).output, /two things to compare to/);
    });
});
