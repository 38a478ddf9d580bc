import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tables } from "../../../operations/alicloud/table";
import type { Cloud } from "./cloud";
import type { Description } from "./description";
import { Refusal } from "./refusal";

const projectType = "alicloud:log/project:Project";
const storeType = "alicloud:log/store:Store";

/** A project in SLS. */
export const logProject: Description = {
    type: projectType,
    ...tables[projectType],
    outputs: { status: "text", createTime: "text" },
    async order(cloud, { projectName }) {
        const name = String(projectName ?? "");
        if (cloud.get(projectType, name) !== undefined) {
            throw new Refusal("ProjectAlreadyExist", `The project ${name} is there already, in this account or another one.`);
        }
        return { id: name, outputs: { status: "Normal", createTime: new Date().toISOString() } };
    },
    release: async (cloud, holding) => {
        for (const type of [logIndex.type, storeType]) {
            for (const inside of cloud.all(type).filter(({ id }) => id.startsWith(`${holding.id}:`))) {
                cloud.forget(inside);
            }
        }
        rmSync(join(cloud.folder, "logs", holding.id), { recursive: true, force: true });
        cloud.forget(holding);
        return "gone";
    },
};

/** A logstore in SLS. The stand-in for SLS accepts logs only for existing logstores. */
export const logStore: Description = {
    type: storeType,
    ...tables[storeType],
    outputs: { createTime: "whole" },
    async order(cloud, { projectName, logstoreName, autoSplit, maxSplitShardCount }) {
        if (cloud.get(projectType, String(projectName)) === undefined) {
            throw new Refusal("ProjectNotExist", `The project ${projectName} does not exist.`);
        }
        if (autoSplit === true && !maxSplitShardCount) {
            throw new Refusal("ParameterInvalid", "With autoSplit the most shards are needed, maxSplitShardCount.");
        }
        const id = `${projectName}:${logstoreName}`;
        if (cloud.get(storeType, id) !== undefined) {
            throw new Refusal("LogStoreAlreadyExist", `The logstore ${logstoreName} is there already.`);
        }
        return { id, outputs: { createTime: Math.floor(Date.now() / 1000), mode: "standard" } };
    },
    // The file is the logstore: the stand-in for SLS accepts logs for it while the file exists.
    async provide(cloud, { id }) {
        mkdirSync(dirname(fileOf(cloud, id)), { recursive: true, mode: 0o700 });
        writeFileSync(fileOf(cloud, id), "", { flag: "a", mode: 0o600 });
    },
    async release(cloud, holding) {
        rmSync(fileOf(cloud, holding.id), { force: true });
        cloud.forget(holding);
        return "gone";
    },
};

/** The file in which the stand-in for SLS (`../sls`) stores the logs. */
function fileOf(cloud: Cloud, id: string): string {
    const [project, store] = id.split(":") as [string, string];
    return join(cloud.folder, "logs", project, `${store}.jsonl`);
}

/** The index of a logstore: the fields that can be searched. */
export const logIndex: Description = {
    type: "alicloud:log/storeIndex:StoreIndex",
    ...tables["alicloud:log/storeIndex:StoreIndex"],
    outputs: {},
    async order(cloud, { project, logstore, fullText, fieldSearches }) {
        const id = `${project}:${logstore}`;
        if (cloud.get(storeType, id) === undefined) {
            throw new Refusal("LogStoreNotExist", `The logstore ${logstore} does not exist in ${project}.`);
        }
        if (fullText === undefined && fieldSearches === undefined) {
            throw new Refusal("ParameterInvalid", "At least one of the 'full_text' and 'field_search' should be specified.");
        }
        if (cloud.get(logIndex.type, id) !== undefined) {
            throw new Refusal("IndexAlreadyExist", `The logstore ${logstore} has an index already.`);
        }
        return { id };
    },
};
