import { pause } from "../../reliability/cluster";
import { Attack, writes } from "../../reliability/load";
import type { Product } from "../../reliability/product";
import { spread } from "../measure";
import { amount, type Row } from "../row";

const rounds = 2;
const secondsCounted = 10;
const queued = 8000;

/** Sets Celery's defaults for all options that the app sets against the loss of tasks. */
const defaults = `
from sms.celery import app
app.conf.update(
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    worker_prefetch_multiplier=4,
    worker_pool="prefork",
    worker_concurrency=None,
    worker_soft_shutdown_timeout=0,
)
app.worker_main(["--quiet", "worker"])
`;

const ways = {
    defaults: ["python3", "-c", defaults],
    prefork: [
        "celery",
        "--quiet",
        "--app",
        "sms.celery",
        "worker",
        "--without-mingle",
        "--without-gossip",
        "--pool",
        "prefork",
        "--concurrency",
        "2",
        "--prefetch-multiplier",
        "4",
    ],
    deployed: ["celery", "--quiet", "--app", "sms.celery", "worker", "--without-mingle", "--without-gossip"],
};
type Way = keyof typeof ways;

export const worker: Row = {
    name: "worker",
    title: "Tasks per second of one worker pod",
    peer: "Celery's defaults",
    onMachine: true,
    measure: async (stage) => {
        const product = await stage.product();
        for (const deployment of ["sms-worker", "sms-beat"]) {
            await product.cluster.scale("deployment", deployment, 0);
            await product.cluster.gone(deployment);
        }
        const rates: Record<Way, number[]> = { defaults: [], prefork: [], deployed: [] };
        for (let round = 0; round < rounds; round++) {
            for (const way of Object.keys(ways) as Way[]) {
                rates[way].push(await tasksPerSecond(product, ways[way]));
            }
        }
        const of = (way: Way) => amount(spread(rates[way]));
        return {
            figures: [
                {
                    what: "tasks per second as deployed (a thread pool, for tasks that wait)",
                    unit: "/s",
                    ours: of("deployed"),
                    peer: of("defaults"),
                    goal: { atLeast: 2 },
                },
                {
                    what: "tasks per second with Celery's prefork pool (one process per core)",
                    unit: "/s",
                    ours: of("prefork"),
                    peer: of("defaults"),
                    goal: { atLeast: 1 },
                },
            ],
            parts: [],
            remarks: [
                "A task claims its message in MongoDB, waits 30 ms for the SMS gateway, and marks the message as sent. This project has all its protections against the loss of tasks, and Celery's defaults have none. By default, a worker acknowledges a task when it receives it. It has one process per core of the node, and each process prefetches 4 tasks.",
            ],
        };
    },
};

async function tasksPerSecond(product: Product, command: string[]): Promise<number> {
    const { cluster, gateway } = product;
    await fill(product);
    const restore = await cluster.changePods("sms-worker", ({ spec }) => {
        const [container] = spec.containers;
        Object.assign(container as object, { args: command });
    });
    try {
        const before = gateway.count;
        await cluster.scale("deployment", "sms-worker", 1);
        while (gateway.count < before + 50) {
            await pause(0.1);
        }
        const [first, start] = [gateway.count, performance.now()];
        await pause(secondsCounted);
        return (gateway.count - first) / ((performance.now() - start) / 1000);
    } finally {
        await cluster.scale("deployment", "sms-worker", 0);
        await cluster.gone("sms-worker");
        await restore();
    }
}

/** Fills the queue with so many tasks that no variant finishes them. */
async function fill(product: Product): Promise<void> {
    const [, waiting] = [await product.ready(), Number(await product.redis("LLEN", "sms"))];
    const seconds = 15;
    const rate = Math.ceil((queued - waiting) / seconds);
    if (rate > 0) {
        await (await Attack.start({ requests: writes(product.address), rate, seconds, keepAlive: true })).answers();
    }
}
