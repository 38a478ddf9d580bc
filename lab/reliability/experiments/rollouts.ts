import { type Namespace, type PodTemplate, pause } from "../cluster";
import type { Count, Experiment, Form, Point, Side, Stage } from "../experiment";
import {
    type Answer,
    Attack,
    accepted,
    failureNotes,
    inSpans,
    isFailed,
    type Load,
    percentile,
    type Request,
    unevenness,
    worst,
    write,
} from "../load";
import { minReadySeconds } from "../product";

const web = "sms-web";

interface Sizes {
    rounds: number;
    round: Round;
    /** How long a new pod must be ready before the next one starts. */
    minReadySeconds: number;
    modes: readonly Mode[];
}

/** Quiet times and rollouts alternate, so that other load on the machine slows both equally. */
interface Round {
    quietSeconds: number;
    /** The number of successive rollouts. */
    rollouts: number;
}

interface Mode {
    title: string;
    keepAlive: boolean;
    /** Requests a second, or a share of the measured maximum. */
    rate: number | "80% of saturation";
}

const newConnections: Mode = { title: "a new connection for each request", keepAlive: false, rate: 40 };
const keepAlive: Mode = { title: "kept connections", keepAlive: true, rate: 40 };
const saturated: Mode = { title: "kept connections at 80% of the measured saturation", keepAlive: true, rate: "80% of saturation" };

const sizes: Record<Form, Sizes> = {
    full: {
        rounds: 5,
        round: { quietSeconds: 12, rollouts: 2 },
        // The value of `online` and of the origin.
        minReadySeconds: 10,
        modes: [newConnections, keepAlive, saturated],
    },
    short: {
        rounds: 1,
        round: { quietSeconds: 5, rollouts: 1 },
        minReadySeconds,
        modes: [{ ...newConnections, rate: 15 }],
    },
};

/** The rounds for the original manifest, and for this program without a protection. */
const comparedRounds = 1;

const roundsElsewhere = 2;

/** With more clients, the load generator would reach its own limit before the product does. */
const mostClients = 32;

/** A pod that has used its CPU quota waits for the next CFS period (0.1 s). One such wait does not count as a queue. */
const queuedMilliseconds = 100;

async function trial(stage: Stage, side: Side, form: Form) {
    const product = side.kind === "origin" ? undefined : await stage.product();
    const { cluster, address } = product ?? (await stage.origin());
    const { modes, round, ...size } = sizes[form];
    const rounds = side.kind === "ours" ? size.rounds : comparedRounds;
    const bringWorkersBack = await product?.withoutWorkers();
    if (product) {
        await setMinReadySeconds(cluster, size.minReadySeconds);
    }
    const restore = await cluster.changePods(web, (template) => {
        limited(template);
        if (side.kind === "without") {
            withoutDrain(template);
        }
    });
    try {
        const requests = await mixed(address);
        const counts: Count[] = [];
        const points: Point[] = [];
        const notes: string[] = [];
        for (const mode of side.kind === "without" ? modes.slice(0, 1) : modes) {
            const client = { requests, keepAlive: mode.keepAlive };
            const rate = mode.rate === "80% of saturation" ? Math.round(0.8 * (await saturation(client))) : mode.rate;
            const load = { ...client, rate, seconds: 900 };
            const answers = await byTurns(load, rounds, round, () => rollOut(cluster, web, round.rollouts));
            counts.push(...counted(mode, rate, rounds * round.rollouts, answers));
            points.push(...slowest(mode, answers.all));
            notes.push(...failureNotes(side, mode.title, answers.all));
            if (side.kind === "ours" && mode === newConnections) {
                counts.push(...(await elsewhere(cluster, load, round)));
            }
        }
        return { counts, points, notes };
    } finally {
        await restore();
        if (product) {
            await setMinReadySeconds(cluster, minReadySeconds);
        }
        await bringWorkersBack?.();
    }
}

/** The CPU limit of each web pod. With two serving pods and one starting, the machine's two cores still have free capacity. */
const webCpu = "300m";

function limited({ spec }: PodTemplate): void {
    for (const container of spec.containers) {
        container.resources = { requests: container.resources?.requests ?? {}, limits: { ...container.resources?.limits, cpu: webCpu } };
    }
}

/** Removes the hook and the probes, which a simple Deployment doesn't have either. */
function withoutDrain({ spec }: PodTemplate): void {
    for (const container of spec.containers) {
        delete container.lifecycle;
        delete container.readinessProbe;
        delete container.startupProbe;
    }
}

async function setMinReadySeconds(cluster: Namespace, seconds: number): Promise<void> {
    await cluster.kubectl("patch", "deployment", web, "--type=merge", `--patch={"spec":{"minReadySeconds":${seconds}}}`);
}

/** As many reads as writes. It first posts the messages that are read. */
async function mixed(address: string): Promise<Request[]> {
    const post = write(address);
    const attack = await Attack.start({ requests: [post], rate: 10, seconds: 2, keepAlive: false });
    return accepted(await attack.answers()).flatMap((id) => [post, { method: "GET", url: `${address}/messages/${id}` }]);
}

/**
 * The highest rate of requests a second without a growing queue. Clients that wait for an answer before the next request reach a
 * higher rate: a process that always has a request sleeps and wakes less often. 80 % of their rate took 97 % of the pods' CPU.
 */
async function saturation(load: Pick<Load, "requests" | "keepAlive">): Promise<number> {
    const seconds = 10;
    const attack = async (rate: Load["rate"]) => (await Attack.start({ ...load, rate, seconds })).answers();
    const most = (await attack({ clients: mostClients })).filter((answer) => !isFailed(answer)).length / seconds;
    for (let share = 1; share > 0.5; share -= 0.05) {
        const rate = Math.round(share * most);
        const answers = await attack(rate);
        if (!answers.some(isFailed) && percentile(answers.slice(-rate), 0.5) <= queuedMilliseconds) {
            return rate;
        }
    }
    throw new Error(`a queue remains even at half of the ${most} requests a second that ${mostClients} clients reach`);
}

interface Answers {
    all: readonly Answer[];
    /** The quiet minute, in its parts. */
    quiet: readonly (readonly Answer[])[];
    rolling: readonly Answer[];
}

async function byTurns(load: Load, rounds: number, { quietSeconds }: Round, roll: () => Promise<void>): Promise<Answers> {
    const { answers: all, result: spans } = await Attack.during(load, async () => {
        const spans: { from: number; until: number }[] = [];
        for (let i = 0; i < rounds; i++) {
            const from = Date.now();
            await pause(quietSeconds);
            spans.push({ from, until: Date.now() });
            await roll();
        }
        return spans;
    });
    const quiet = spans.map(({ from, until }) => all.filter(({ sentAt }) => from <= sentAt && sentAt < until));
    const isQuiet = new Set(quiet.flat());
    return { all, quiet, rolling: all.filter((answer) => !isQuiet.has(answer)) };
}

/** Rolls as Kubernetes does after a `pulumi up` with a changed environment, but without the engine's CPU time on the two cores. */
async function rollOut(cluster: Namespace, deployment: string, times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
        await cluster.rollOut(deployment);
    }
    await cluster.drained(deployment);
}

/**
 * Measures how much starting pods slow the two cores that also serve. As many pods start as in a rollout, but of a Deployment that no
 * Service selects.
 */
async function elsewhere(cluster: Namespace, load: Load, round: Round): Promise<Count[]> {
    const name = `${web}-elsewhere`;
    await cluster.copyDeployment(web, name);
    try {
        const { all, quiet, rolling } = await byTurns(load, roundsElsewhere, round, () => rollOut(cluster, name, round.rollouts));
        const p99 = percentile(rolling, 0.99);
        const group = "control: as many pods of another Deployment roll out, and web does not change";
        return [
            { group, what: "rollouts", value: roundsElsewhere * round.rollouts },
            { group, what: "failed requests", value: all.filter(isFailed).length, goal: 0 },
            { group, what: "p99 during these rollouts, ms", value: p99, isTime: true },
            {
                group,
                what: "p99 during these rollouts ÷ p99 in quiet time (the node's share)",
                value: p99 / percentile(quiet.flat(), 0.99),
                isTime: true,
            },
        ];
    } finally {
        await cluster.kubectl("delete", "deployment", name, "--wait=false");
        await cluster.gone(name);
    }
}

/** If one of the quiet parts stalls, every rollout looks good in comparison. Then the comparison is not valid. */
const mostUneven = 2;

function counted({ title }: Mode, rate: number, rollouts: number, { quiet: parts, rolling }: Answers): Count[] {
    const group = title;
    const quiet = parts.flat();
    const [quietP99, rollingP99] = [percentile(quiet, 0.99), percentile(rolling, 0.99)];
    return [
        { group, what: "rollouts", value: rollouts },
        { group, what: "requests per second", value: rate },
        { group, what: "requests during rollouts", value: rolling.length },
        { group, what: "failed requests during rollouts", value: rolling.filter(isFailed).length, goal: 0 },
        { group, what: "failed requests in quiet time", value: quiet.filter(isFailed).length, goal: 0 },
        { group, what: "p99 in quiet time, ms", value: quietP99, isTime: true },
        { group, what: "p99 in quiet time ÷ p99 of its median part", value: unevenness(parts), goal: mostUneven, isTime: true },
        { group, what: "p99 during rollouts, ms", value: rollingP99, isTime: true },
        { group, what: "p99 during rollouts ÷ p99 in quiet time", value: rollingP99 / quietP99, goal: 1.5, isTime: true },
        { group, what: "slowest answer during rollouts, ms", value: worst(rolling), isTime: true },
    ];
}

function slowest({ title }: Mode, answers: readonly Answer[]): Point[] {
    return inSpans(answers, 3).map(({ second, answers }) => ({
        panel: title,
        x: second,
        y: worst(answers),
    }));
}

export const rollouts: Experiment = {
    name: "rollouts",
    title: "Rollouts under load",
    method: [
        "Web rolls out repeatedly by `kubectl rollout restart`. This program and the original manifest use the same command, so the CPU time of Pulumi's engine is not measured. Half of the requests write (`POST /messages`), and half read (`GET /messages/ID`). The workers are scaled to 0, because the original manifest has none. A failure is a refused or broken connection, no answer within 30 s, or a status of 400 or above.",
        "The load generator, the stores and the starting pods share two cores. Each web pod, of both programs, may use 0.3 of a core. So the pods are saturated and the node is not, as on nodes with free CPU. A control measures the node's share of the slowdown: as many pods of another Deployment roll out, and web does not change.",
        "Quiet time and rollouts alternate, so other load on the host slows both equally. One round is 12 s of quiet time and two successive rollouts. This program has five rounds; the others have one. If one quiet part stalls, the p99 of the quiet time is no valid base. So this p99 may be at most twice that of the median part.",
    ].join("\n\n"),
    protections: { drain: "the preStop hook, the readiness probe and the startup probe are removed from the deployed web pods" },
    origin: "its web Deployment, with the same number of pods and the same CPU limit",
    axes: {
        x: "seconds since the start of the load (12 s of quiet time and two rollouts, repeated)",
        y: "slowest answer in each 3 s, ms",
        logarithmic: true,
    },
    trial,
};
