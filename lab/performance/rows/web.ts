import { readdirSync, readFileSync } from "node:fs";
import type { Container, Namespace } from "../../reliability/cluster";
import { pause } from "../../reliability/cluster";
import { Attack, isFailed, percentile, type Request, writes } from "../../reliability/load";
import { spread } from "../measure";
import { amount, type Row } from "../row";

const slowestMilliseconds = 200;
const secondsAStep = 6;
const calmRate = 300;

export const web: Row = {
    name: "web",
    title: "Requests per second of one web pod",
    peer: "the original command (gunicorn < 26, 4 eventlet workers) with the same limits",
    onMachine: true,
    measure: async (stage) => {
        const [product, origin] = [await stage.product(), await stage.origin()];
        for (const deployment of ["sms-worker", "sms-beat"]) {
            await product.cluster.scale("deployment", deployment, 0);
        }
        for (const { cluster } of [product, origin]) {
            await cluster.scale("deployment", "sms-web", 1);
            await cluster.rolledOut("sms-web");
            await cluster.drained("sms-web");
        }
        const ours: Step[] = [];
        const theirs: Step[] = [];
        // In turns, so that other load on the machine slows both equally.
        for (let round = 0; round < 2; round++) {
            ours.push(await mostRequests(product));
            theirs.push(await mostRequests(origin));
        }
        const memory = { ours: await memoryOf(product.cluster), theirs: await memoryOf(origin.cluster) };
        const cpu = async (requests: (address: string) => Request[]) => ({
            ours: { value: await cpuOfARequest(product, requests) },
            peer: { value: await cpuOfARequest(origin, requests) },
        });
        const [writing, asking] = [await cpu(writes), await cpu((address) => [{ method: "GET", url: `${address}/healthz` }])];
        const most = (steps: Step[]) => amount(spread(steps.map(({ rate }) => rate)));
        const cores = (steps: Step[]) => spread(steps.map(({ cores }) => cores)).median;
        const slow = (steps: Step[]) => amount(spread(steps.map(({ milliseconds }) => milliseconds)));
        return {
            figures: [
                {
                    what: "requests per second with a p99 below 200 ms",
                    unit: "/s",
                    ours: most(ours),
                    peer: most(theirs),
                    goal: { atLeast: 1.5 },
                },
                {
                    what: "memory after the load",
                    unit: "MiB",
                    ours: { value: memory.ours },
                    peer: { value: memory.theirs },
                    goal: { atMost: 0.7 },
                },
                { what: "p99 at the highest rate", unit: "ms", ours: slow(ours), peer: slow(theirs) },
                { what: `CPU time of the pod per request, at ${calmRate} requests per second`, unit: "ms", ...writing },
                { what: "CPU time of the pod per `GET /healthz` (no store), at the same rate", unit: "ms", ...asking },
            ],
            parts: [
                { what: "this project: CPU use at the highest rate", value: cores(ours), unit: "cores" },
                { what: "the original command: CPU use at the highest rate", value: cores(theirs), unit: "cores" },
            ],
            remarks: [
                "The load is `POST /messages`, with Redis and MongoDB as stores. Both pods have the limits of the original manifest. The load generator and the stores use the same two cores, so the figures are only valid for this comparison. Each rate is tried for 6 s. The search ends if the lowest rate that fails and the highest rate that succeeds differ by at most 5 %.",
                "Both pods run the same application, so Python, PyMongo and the kernel cost both the same per request. `GET /healthz` uses no store and shows the cost of the server. The servers do different work: this project logs each request and counts it for all its processes, and the original command does neither. Neither pod reaches its limit of one core: the bottleneck is the host.",
            ],
        };
    },
};

interface Deployed {
    readonly address: string;
    readonly cluster: Namespace;
}

interface Step {
    readonly rate: number;
    readonly milliseconds: number;
    /** The CPU use of the pod's processes. */
    readonly cores: number;
}

/** The highest rate at which no request fails and 99 of 100 are answered in time. */
async function mostRequests(deployed: Deployed): Promise<Step> {
    let good: Step = { rate: 0, milliseconds: 0, cores: 0 };
    let bad = Number.POSITIVE_INFINITY;
    for (let rate = 600; bad - good.rate > good.rate * 0.05; ) {
        const step = await attempt(deployed, rate);
        if (step.milliseconds < slowestMilliseconds) {
            good = step;
        } else {
            bad = rate;
        }
        rate = bad === Number.POSITIVE_INFINITY ? rate * 2 : Math.round((good.rate + bad) / 2);
        if (bad < 10) {
            throw new Error(`${deployed.address} doesn't take 10 requests a second in time`);
        }
        await pause(1);
    }
    return good;
}

async function attempt({ address, cluster }: Deployed, rate: number): Promise<Step> {
    const cpu = await cpuClock(cluster);
    const begin = performance.now();
    const attack = await Attack.start({ requests: writes(address), rate, seconds: secondsAStep, keepAlive: true });
    const answers = await attack.answers();
    const cores = cpu() / (performance.now() - begin);
    // The first second is not counted, because connections are opened then.
    const start = answers[0]?.sentAt ?? 0;
    const counted = answers.filter(({ sentAt }) => sentAt - start >= 1000);
    return { rate, milliseconds: counted.some(isFailed) ? Number.POSITIVE_INFINITY : percentile(counted, 0.99), cores };
}

/** The pod's CPU milliseconds per request, at a rate without a queue. */
async function cpuOfARequest({ address, cluster }: Deployed, requests: (address: string) => Request[]): Promise<number> {
    const cpu = await cpuClock(cluster);
    const attack = await Attack.start({ requests: requests(address), rate: calmRate, seconds: secondsAStep, keepAlive: true });
    const { length } = await attack.answers();
    return cpu() / length;
}

/** Returns a function that returns the CPU milliseconds of the pod's processes since this call. */
async function cpuClock(cluster: Namespace): Promise<() => number> {
    const pids = await processesOf(cluster);
    const total = () => pids.reduce((sum, pid) => sum + cpuMillisecondsOf(pid), 0);
    const before = total();
    return () => total() - before;
}

/** The memory of its processes in MiB. Shared pages are counted once. */
async function memoryOf(cluster: Namespace): Promise<number> {
    return (await processesOf(cluster)).reduce((sum, pid) => sum + heldBy(pid), 0);
}

async function processesOf(cluster: Namespace): Promise<string[]> {
    const [pod] = await cluster.livingPods("sms-web");
    return (pod?.status.containerStatuses ?? []).flatMap(processesIn);
}

/** The clock has 100 ticks a second (proc(5), USER_HZ). */
function cpuMillisecondsOf(pid: string): number {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") as string[];
    return 10 * (Number(fields[11]) + Number(fields[12]));
}

function processesIn({ containerID }: Container): string[] {
    const id = containerID?.split("//")[1] as string;
    return readdirSync("/proc").filter((entry) => {
        try {
            return /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/cgroup`, "utf8").includes(id);
        } catch {
            return false; // The process ended during the search.
        }
    });
}

function heldBy(pid: string): number {
    const [, kibibytes] = /^Pss: +(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
    return Number(kibibytes) / 1024;
}
