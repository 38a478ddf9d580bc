import { readdirSync, readFileSync } from "node:fs";
import { execa } from "execa";
import { TestStack } from "../../fixtures/testStack";
import { clearKilledRun, pulumiArgs } from "../../machine/stack";
import { Namespace, pause } from "../cluster";
import { asCode, type Experiment, type Form, type Side, type Stage, type Trial } from "../experiment";

const namespace = "sms-killed";
const nodePort = 31097;

/** Seconds after which the engine and all its child processes get SIGKILL. */
const moments: Record<Form, { fromNothing: readonly number[]; ofAChange: readonly number[] }> = {
    full: {
        fromNothing: [3, 9, 18],
        ofAChange: [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14],
    },
    short: { fromNothing: [6], ofAChange: [] },
};

interface Found {
    notConverged: number;
    pending: number;
    leftOver: number;
    changesLeft: number;
    changesRefused: number;
}

async function trial(_stage: Stage, side: Side, form: Form): Promise<Trial> {
    const { fromNothing, ofAChange } = moments[form];
    const stack = await TestStack.make(namespace, nodePort);
    const found: Found = { notConverged: 0, pending: 0, leftOver: 0, changesLeft: 0, changesRefused: 0 };
    const notes: string[] = [];
    const withoutCommand = side.kind === "without";
    const points = withoutCommand ? { fromNothing: [4], ofAChange: [] } : { fromNothing, ofAChange };
    let killed = 0;
    try {
        let rounds = 0;
        const round = async (seconds: number, isNew: boolean) => {
            // After the first `up`, each round changes code, so that there is an image to build and push, and pods to roll.
            rounds += 1;
            await stack.configure(isNew ? {} : { "sms:env": { ROUND: rounds, RESEND_AFTER_SECONDS: 20 } });
            if (!isNew) {
                stack.edit("app/sms/__init__.py", (code) => `${code}\nROUND = ${rounds}\n`);
            }
            killed += (await killedAfter(stack, seconds)) ? 1 : 0;
            if (!withoutCommand) {
                await clearKilledRun(stack.pulumi, stack.stack);
            }
            const next = await stack.up();
            const state = await look(stack);
            found.notConverged += next.exitCode === 0 ? 0 : 1;
            found.pending += state.pending;
            found.leftOver += state.leftOver.length;
            found.changesLeft += state.changesLeft;
            if (next.exitCode !== 0 || state.leftOver.length > 0 || state.changesLeft > 0) {
                notes.push(
                    `SIGKILL after ${seconds} s${isNew ? " of an `up` that creates the stack" : ""}: the next \`up\` ended with exit code ${next.exitCode}. Objects that are only in the cluster or only in the state: ${state.leftOver.join(", ") || "none"}. Output of the next \`up\`: ${asCode(reason(next.output))}`,
                );
            }
        };
        for (const seconds of points.fromNothing) {
            await round(seconds, true);
            if (!withoutCommand) {
                await stack.configure({ "sms:env": { ROUND: seconds, RESEND_AFTER_SECONDS: 20 } });
                const { exitCode, output } = await stack.up();
                found.changesRefused += exitCode === 0 ? 0 : 1;
                notes.push(...(exitCode === 0 ? [] : [`a later change failed: ${asCode(reason(output))}`]));
            }
            await stack.run("destroy", "--yes", "--skip-preview", "--non-interactive");
        }
        if (points.ofAChange.length > 0) {
            await stack.up();
        }
        for (const seconds of points.ofAChange) {
            await round(seconds, false);
        }
    } finally {
        await clearKilledRun(stack.pulumi, stack.stack);
        await stack.run("destroy", "--yes", "--skip-preview", "--non-interactive");
        await stack.remove();
    }
    const group = "";
    return {
        counts: [
            { group, what: "`up`s that create the stack", value: points.fromNothing.length },
            { group, what: "`up`s that change code and settings", value: points.ofAChange.length },
            { group, what: "`up`s that were killed before they ended", value: killed },
            { group, what: "next `up`s that failed", value: found.notConverged, goal: 0 },
            { group, what: "pending operations in the state", value: found.pending, goal: 0 },
            { group, what: "objects that are only in the cluster or only in the state", value: found.leftOver, goal: 0 },
            { group, what: "previews that still show a change", value: found.changesLeft, goal: 0 },
            { group, what: "`up`s of a later change that failed", value: found.changesRefused, goal: 0 },
        ],
        notes,
    };
}

/** Starts an `up`, and kills it, its program and its plugins after `seconds`. Returns whether the `up` was still running. */
async function killedAfter({ pulumi, stack }: TestStack, seconds: number): Promise<boolean> {
    const up = execa(pulumi.command, pulumiArgs(stack, ["up", "--yes", "--skip-preview", "--non-interactive"]), {
        env: pulumi.env,
        cwd: stack.program,
        reject: false,
        stdio: "ignore",
    });
    const atWork = await Promise.race([pause(seconds).then(() => true), up.then(() => false)]);
    if (atWork && up.pid !== undefined) {
        killTree(up.pid);
        await up;
    }
    return atWork;
}

/** Kills the engine, its language host, the program and the plugins. */
function killTree(root: number): void {
    const parents = new Map<number, number>();
    for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
        try {
            // `PID (COMMAND) STATE PARENT …`. A command may contain spaces.
            parents.set(Number(pid), Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1]));
        } catch {
            // The process ended during the search.
        }
    }
    const isBelow = (pid: number | undefined): boolean => pid === root || (pid !== undefined && pid > 1 && isBelow(parents.get(pid)));
    for (const pid of [...parents.keys()].filter(isBelow)) {
        try {
            process.kill(pid, "SIGKILL");
        } catch {
            // The process has already ended.
        }
    }
}

interface Resource {
    urn: string;
    type: string;
    id?: string;
}

const kinds =
    "deployments,statefulsets,persistentvolumeclaims,services,secrets,configmaps,jobs,networkpolicies,poddisruptionbudgets,horizontalpodautoscalers";

/** Compares the state with the cluster: pending operations, objects that only one of them has, and changes in a preview. */
async function look(stack: TestStack): Promise<{ pending: number; leftOver: string[]; changesLeft: number }> {
    const { deployment } = JSON.parse(await stack.state()) as { deployment: { resources?: Resource[]; pending_operations?: unknown[] } };
    const known = (deployment.resources ?? [])
        .filter(({ type }) => type.startsWith("kubernetes:") && !type.endsWith(":Namespace"))
        .map(({ type, id }) => `${type.split(":").at(-1)} ${id}`);
    const { items } = await new Namespace(namespace).get<{
        items: { kind: string; metadata: { namespace: string; name: string; ownerReferences?: unknown[] } }[];
    }>(kinds);
    const there = items
        .filter(
            ({ kind, metadata }) =>
                metadata.ownerReferences === undefined && !(kind === "ConfigMap" && metadata.name === "kube-root-ca.crt"),
        )
        .map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
    const preview = await stack.run("preview", "--non-interactive", "--expect-no-changes");
    return {
        pending: deployment.pending_operations?.length ?? 0,
        leftOver: [...there.filter((object) => !known.includes(object)), ...known.filter((object) => !there.includes(object))],
        changesLeft: preview.exitCode === 0 ? 0 : 1,
    };
}

/** The engine's diagnostics, at most 500 characters. */
function reason(output: string): string {
    return output
        .replace(/^[\s\S]*^Diagnostics:/m, "")
        .replace(/\s+/g, " ")
        .trim()
        .slice(0, 500);
}

export const ups: Experiment = {
    name: "ups",
    title: "`pulumi up` is killed",
    method: "The engine, its program and its plugins get SIGKILL at a different moment of each `up`. Some `up`s create a new stack, and the others change code and settings. The next `npm run up` clears the killed run's lock and pending operations. For other stacks, `npm run recover` does this. Then state and cluster must agree, and a preview must show no change.",
    protections: { recovery: "the lock and the pending operations of the killed run are not cleared" },
    trial,
};
