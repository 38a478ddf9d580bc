/**
 * Sizes of the managed stores' instance classes, per node. A preview shows them beside the class names.
 *
 * Source: Alibaba Cloud's help centre, "Instance types", in November 2026: of MongoDB replica sets (cloud disk), and of Redis
 * Open-Source Edition, cloud native (standard architecture). There are no prices here: they differ by region, day and contract.
 */
export interface Size {
    readonly cores?: number;
    readonly memoryGb: number;
}

export const source = "Alibaba Cloud's tables of instance types, November 2026";

/** Cores by the last part of a MongoDB class name. In `mdb.shard.2x.large.d`, `2x` is 2 GB per core, and `large` is 2 cores. */
const mongoCores: Readonly<Record<string, number>> = { large: 2, xlarge: 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32, "16xlarge": 64 };

const redisGb: Readonly<Record<string, number>> = {
    "redis.shard.micro.ce": 0.25,
    "redis.shard.small.2.ce": 1,
    "redis.shard.mid.2.ce": 2,
    "redis.shard.large.ce": 4,
    "redis.shard.xlarge.ce": 8,
    "redis.shard.2xlarge.ce": 16,
    "redis.shard.3xlarge.ce": 24,
    "redis.shard.4xlarge.ce": 32,
    "redis.shard.8xlarge.ce": 64,
};

/** Undefined for a class that is in no table. */
export function sizeOf(instanceClass: string): Size | undefined {
    const memoryGb = redisGb[instanceClass];
    if (memoryGb !== undefined) {
        return { memoryGb };
    }
    const [, gbPerCore, name = ""] = /^mdb\.shard\.([248])x\.(\d*x?large)\.[cd]$/.exec(instanceClass) ?? [];
    const cores = mongoCores[name];
    return cores === undefined ? undefined : { cores, memoryGb: cores * Number(gbPerCore) };
}
