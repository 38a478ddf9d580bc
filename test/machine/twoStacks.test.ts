import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { marks } from "../../components/owner";
import { type Run, TestStack } from "../../lab/fixtures/testStack";
import { kubectl } from "../../lab/machine/kubernetes";
import { contentOf } from "./content";

const names = ["sms-one", "sms-other"] as const;
const ports = [31108, 31109] as const;

/** A small product whose images already exist. */
class Small {
    private image: object = {};
    private limit = 5;

    private constructor(readonly stack: TestStack) {}

    static async make(index: 0 | 1): Promise<Small> {
        const small = new Small(await TestStack.make(names[index], ports[index]));
        // The machine creates one stack at a time.
        await small.configure();
        return small;
    }

    /** Pins the image, so that no later `up` builds one. */
    async pin(): Promise<void> {
        this.image = { "sms:image": { pinned: await this.stack.pin() } };
    }

    /** Creates the product. If it exists, changes its Deployments without a rollout. */
    async up(): Promise<Run> {
        this.limit += 1;
        await this.configure();
        return this.stack.up();
    }

    private configure(): Promise<void> {
        const settings = { "sms:networkPolicies": { enabled: false }, ...this.image };
        return this.stack.configure(settings, { replicas: 1, revisionHistoryLimit: this.limit });
    }

    preview = () => this.stack.run("preview", "--non-interactive", "--expect-no-changes");
    destroy = () => this.stack.run("destroy", "--yes", "--skip-preview", "--non-interactive");
    recover = () => this.stack.script("recover", "--yes");
    rollback = async () => this.stack.script("rollback", "--to", await this.stack.pin());

    /** All of its objects in the cluster. */
    async content(): Promise<string[]> {
        const { namespace } = this.stack;
        return (await kubectl("get", "namespace", namespace, "--ignore-not-found")) === "" ? [] : contentOf(namespace);
    }
}

type Command = "preview" | "up" | "destroy" | "recover" | "rollback";

/** The content without the field that an `up` of an existing product changes. */
const unchangedByUp = (content: string[]) => content.map((object) => object.replace(/"revisionHistoryLimit":\d+/, ""));

/** The content after the commands, if it was `before`. Undefined if the commands create the whole product. */
function expected(commands: readonly Command[], before: string[]): string[] | undefined {
    if (commands.includes("destroy")) {
        return [];
    }
    if (commands.includes("up")) {
        return before.length === 0 ? undefined : unchangedByUp(before);
    }
    return before;
}

/** The commands of one stack, one after the other, and those of the other stack at the same time. Every pair of commands is covered. */
const beside: [of: Command[], ofTheOther: Command[]][] = [
    [["up"], ["up"]],
    [
        ["preview", "recover", "rollback"],
        ["preview", "recover", "rollback"],
    ],
    [
        ["preview", "recover", "rollback"],
        ["rollback", "preview", "recover"],
    ],
    [["destroy"], ["preview", "recover"]],
    [["up"], ["preview", "recover"]],
    [["destroy"], ["up", "rollback"]],
    [["up"], ["rollback", "up"]],
    [["destroy"], ["destroy"]],
];

describe("two stacks, one cluster", () => {
    let one: Small;
    let other: Small;

    before(async () => {
        one = await Small.make(0);
        other = await Small.make(1);
    });

    after("remove", async () => {
        for (const { stack } of [one, other]) {
            await stack.clear();
        }
    });

    for (const [commands, others] of beside) {
        it(`work independently: ${commands.join(", ")} of one beside ${others.join(", ")} of the other`, async () => {
            const both = [
                { small: one, commands },
                { small: other, commands: others },
            ];
            const before = await Promise.all(both.map(({ small }) => small.content()));
            await Promise.all(
                both.map(async ({ small, commands }) => {
                    for (const command of commands) {
                        const { exitCode, output } = await small[command]();
                        assert.equal(exitCode, 0, `${command} of ${small.stack.namespace}: ${output}`);
                    }
                }),
            );
            for (const [index, { small, commands }] of both.entries()) {
                const now = await small.content();
                const wanted = expected(commands, before[index] as string[]);
                if (wanted === undefined) {
                    assert.ok(now.length > 10, now.join("\n"));
                    await small.pin();
                } else {
                    assert.deepEqual(commands.includes("up") ? unchangedByUp(now) : now, wanted);
                }
            }
        });
    }

    it("don't share a namespace even if both find none at the same moment: one gets it, and the other's up fails", async () => {
        const meeting = mkdtempSync(join(tmpdir(), "sms-meeting-"));
        const wait = `require("node:fs").writeFileSync("${meeting}/" + process.pid, "");
            while (require("node:fs").readdirSync("${meeting}").length < 2) { await new Promise((soon) => setTimeout(soon, 20)); }`;
        for (const { stack } of [one, other]) {
            // Both check before either continues. The program ends after the namespace, without the rest of the product.
            stack.edit("index.ts", (program) =>
                program
                    .replace("    const network: Network =", `${wait}\n    const network: Network =`)
                    .replace("    const appOf =", "    return { namespace: open, place };\n    const appOf ="),
            );
            await stack.configure({ "sms:namespace": names[0] });
        }
        const runs = await Promise.all([one, other].map(async ({ stack }) => ({ stack, run: await stack.up() })));
        rmSync(meeting, { recursive: true });
        const [winner, loser] = runs.sort((a, b) => a.run.exitCode - b.run.exitCode);
        assert.ok(winner && loser);
        assert.equal(winner.run.exitCode, 0, winner.run.output);
        assert.notEqual(loser.run.exitCode, 0, loser.run.output);
        assert.match(loser.run.output, /conflicts? with "sms-/);
        const owner = () => kubectl("get", "namespace", names[0], "-o", "jsonpath={.metadata.annotations}");
        const before = await owner();
        assert.equal((JSON.parse(before) as Record<string, string>)[marks.name], `organization/sms/${winner.stack.namespace}`);
        const again = await loser.stack.up();
        assert.match(again.output, new RegExp(`namespace ${names[0]} belongs to stack organization/sms/${winner.stack.namespace}`));
        await loser.stack.run("destroy", "--yes", "--skip-preview", "--non-interactive");
        assert.equal(await owner(), before);
        await winner.stack.run("destroy", "--yes", "--skip-preview", "--non-interactive");
        assert.equal(await kubectl("get", "namespace", names[0], "--ignore-not-found"), "");
    });
});
