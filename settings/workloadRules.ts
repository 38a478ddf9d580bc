/** Rules for the workloads and their sidecars. */
import { keyOf } from "./problems";
import { queues } from "./queues";
import { type Checked, type RuleBetween, refusal } from "./rules";
import { valueAt } from "./valueAt";

interface Pool {
    gracePeriodSeconds: number;
    queues: readonly string[];
    autoscale?: { kind?: string };
}

export interface Workloads {
    web: { gracePeriodSeconds: number; preStopSeconds: number; gracefulTimeoutSeconds: number };
    worker: Pool & { sendLeaseSeconds: number };
    workerPools: Record<string, Pool>;
    beat: { gracePeriodSeconds: number };
    keda?: object;
}

export const workloadRules: RuleBetween<Workloads>[] = [
    { rule: graceCoversRequests, blocks: ["web"] },
    { rule: graceCoversTasks, blocks: ["worker"] },
    { rule: poolsGraceCoversTasks, blocks: ["worker", "workerPools"] },
    { rule: everyQueueHasWorkers, blocks: ["worker", "workerPools"] },
    { rule: kedaCanScale, blocks: ["worker", "workerPools"] },
    { rule: graceCoversBeat, blocks: ["beat"] },
];

/** The seconds that a log collector still reads after the last container has ended. */
export const logDrainSeconds = 5;

/** The seconds that it needs to send the last lines, if the receiver answers. */
const logSendSeconds = 5;

/** The seconds that Celery's warm shutdown needs after the last task. */
const shutdownSeconds = 10;

function graceCoversRequests(checked: Checked<Workloads>) {
    const { preStopSeconds, gracefulTimeoutSeconds } = checked.value.web;
    graceCovers(checked, ["web"], {
        seconds: preStopSeconds + gracefulTimeoutSeconds,
        words: ["preStopSeconds + gracefulTimeoutSeconds"],
        lost: "running requests",
    });
}

function graceCoversTasks(checked: Checked<Workloads>, path = ["worker"]) {
    const seconds = checked.value.worker.sendLeaseSeconds + shutdownSeconds;
    graceCovers(checked, path, { seconds, words: [`sendLeaseSeconds + ${shutdownSeconds}`], lost: "running tasks" });
}

function poolsGraceCoversTasks(checked: Checked<Workloads>) {
    for (const name of Object.keys(checked.value.workerPools)) {
        graceCoversTasks(checked, ["workerPools", name]);
    }
}

function everyQueueHasWorkers({ value: { worker, workerPools }, issues }: Checked<Workloads>) {
    const taken = [worker, ...Object.values(workerPools)].flatMap((pool) => pool.queues);
    const left = queues.filter((queue) => !taken.includes(queue));
    for (const [i, queue] of left.entries()) {
        const allowed = `${queue}, as no other pool takes it: its tasks would wait for ever`;
        issues.push(refusal(["worker", "queues", worker.queues.length + i], undefined, allowed, queue));
    }
}

function kedaCanScale({ value: { worker, workerPools, keda }, issues }: Checked<Workloads>) {
    const pools = [
        { path: ["worker"], pool: worker },
        ...Object.entries(workerPools).map(([name, pool]) => ({ path: ["workerPools", name], pool })),
    ];
    const first = pools.find(({ pool }) => pool.autoscale?.kind === "queue");
    if (first === undefined) {
        return;
    }
    const reason = `as ${keyOf([...first.path, "autoscale", "kind"])} is queue`;
    if (keda === undefined) {
        const allowed = `the namespace of KEDA 2 (https://keda.sh), ${reason}: install it in the cluster first`;
        issues.push(refusal(["keda", "namespace"], undefined, allowed, "keda"));
    }
}

function graceCoversBeat(checked: Checked<Workloads>) {
    graceCovers(checked, ["beat"], { seconds: 0, words: [], lost: "its last log lines" });
}

/** A pod's grace period includes its log collector, which ends last. */
function graceCovers({ value, issues }: Checked<Workloads>, path: string[], needed: { seconds: number; words: string[]; lost: string }) {
    const isShipped = valueAt(value, ["logs", "ship"]) !== undefined;
    const collectorSeconds = isShipped ? logDrainSeconds + logSendSeconds : 0;
    const seconds = needed.seconds + collectorSeconds;
    const gracePeriodSeconds = valueAt(value, [...path, "gracePeriodSeconds"]) as number;
    if (gracePeriodSeconds <= seconds) {
        const words = [...needed.words, ...(isShipped ? [`${collectorSeconds} for the log collector`] : [])].join(" + ");
        const allowed = `above ${seconds}, which is ${words}: otherwise ${needed.lost} are cut off`;
        issues.push(refusal([...path, "gracePeriodSeconds"], gracePeriodSeconds, allowed, seconds + 10));
    }
}
