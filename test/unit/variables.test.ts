import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { metricsPort } from "../../components/app";
import { Beat } from "../../components/beat";
import { Web } from "../../components/web";
import { Worker } from "../../components/worker";
import { deploy, types } from "../../lab/fixtures/deployed";
import { addressVariables } from "../../settings/address";
import { freeVariables, programVariables, reliedOnVariables, takenVariable } from "../../settings/variables";
import { replicated, workload } from "./appArgs";

interface Field {
    type: string;
    /** The default in Python's notation. */
    preset: string;
}

/** The app's own settings, by the names of their variables. */
function appSettings(): Record<string, Field> {
    const source = readFileSync("app/sms/settings.py", "utf8");
    const [, body = ""] = /^class Settings\(BaseSettings\):\n(.*?)^ {4}@/ms.exec(source) ?? [];
    const fields = [...body.matchAll(/^ {4}([a-z]\w*): (.*?)(?: = (.*))?$/gm)];
    return Object.fromEntries(fields.map(([, name = "", type = "", preset = ""]) => [name.toUpperCase(), { type, preset }]));
}

const web = () =>
    new Web("web", { ...replicated, nodePort: 31090, workers: 2, threads: 16, preStopSeconds: 10, gracefulTimeoutSeconds: 30 });
const worker = () => new Worker("worker", { ...replicated, concurrency: 16, queues: ["sms"] });
const beat = () => new Beat("beat", workload);

async function containerOf(component: () => unknown) {
    const { deployed } = await deploy(component);
    return deployed.one(types.deployment).inputs.spec.template.spec.containers[0];
}

describe("the variables of the pods", () => {
    it("are those of the app: each is set by the program, relied on by the pods, or free", () => {
        const known = [...Object.keys(programVariables), ...Object.keys(reliedOnVariables), ...Object.keys(freeVariables)];
        assert.deepEqual(known.sort(), Object.keys(appSettings()).sort());
    });

    it("are not free if they are files, folders or ports that the pods rely on", () => {
        const settings = Object.entries(appSettings()).filter(([, { type }]) => /Path|Port|65535/.test(type));
        assert.deepEqual(
            settings.map(([name]) => name).filter((name) => Object.hasOwn(freeVariables, name)),
            [],
        );
        assert.ok(settings.length >= 8, "the types are found");
    });

    it("must be accepted by the app if they are free", () => {
        const wordsOf: Record<string, string> = {
            PositiveInt: "a whole number from 1",
            NonNegativeInt: "a whole number from 0",
            PositiveFloat: "a number above 0",
            HttpUrl: "a text",
            "str | None": "a text",
            "SecretStr | None": "a text",
            "Annotated[str, AfterValidator(_cron)]": "a crontab line of five fields, in UTC",
        };
        const presets = appSettings();
        for (const [name, { words, pattern, example }] of Object.entries(freeVariables)) {
            const { type = "", preset = "" } = presets[name] ?? {};
            const choices = /^Literal\[(.*)\]$/.exec(type)?.[1];
            assert.equal(words, choices === undefined ? wordsOf[type] : JSON.parse(`[${choices}]`).join(" or "), name);
            const byDefault = /^"(.*)"$/.exec(preset)?.[1] ?? preset;
            for (const value of [byDefault, example, ""]) {
                assert.match(value, pattern, name);
            }
        }
    });

    it("have the defaults on which the pods rely", async () => {
        const presets = appSettings();
        const pathOf = (variable: string) => JSON.parse(/"[^"]*"/.exec(presets[variable]?.preset ?? "")?.[0] ?? "null");
        const [ofWeb, ofWorker, ofBeat] = [await containerOf(web), await containerOf(worker), await containerOf(beat)];
        const mountPath = (name: string) => ofWeb.volumeMounts.find((mount: { name: string }) => mount.name === name).mountPath;
        const probes = ({ startupProbe, readinessProbe, livenessProbe }: Record<string, { exec: { command: string[] } }>) =>
            [startupProbe, readinessProbe, livenessProbe].map((probe) => /find (\S+)/.exec(String(probe?.exec.command[2]))?.[1]);
        assert.equal(/touch ([^;]+);/.exec(ofWeb.lifecycle.preStop.exec.command[2])?.[1], pathOf("DRAIN_FILE"));
        assert.deepEqual(probes(ofWorker), Array(3).fill(pathOf("WORKER_HEARTBEAT_FILE")));
        assert.deepEqual(probes(ofBeat), Array(3).fill(pathOf("BEAT_HEARTBEAT_FILE")));
        assert.equal(mountPath("log-dir"), pathOf("LOG_DIR"));
        for (const temporary of ["DRAIN_FILE", "READY_FILE", "METRICS_DIR", "WORKER_HEARTBEAT_FILE", "BEAT_HEARTBEAT_FILE"]) {
            assert.ok(pathOf(temporary).startsWith(`${mountPath("tmp")}/`), temporary);
        }
        assert.equal(Number(presets.METRICS_PORT?.preset), metricsPort);
    });

    it("are refused in lower case, too, because the app ignores the case", () => {
        assert.equal(takenVariable("drain_file"), "web's preStop hook relies on this one's default");
        assert.equal(takenVariable("Redis_Url"), "the program itself sets this one, from sms:redis");
        assert.equal(takenVariable("log_level"), "the app takes this one for LOG_LEVEL");
        assert.deepEqual(
            [takenVariable("LOG_LEVEL"), takenVariable("https_proxy"), takenVariable("C_FORCE_ROOT")],
            Array(3).fill(undefined),
        );
    });

    it("are refused if Celery reads them directly", () => {
        assert.equal(takenVariable("CELERY_BROKER_URL"), "Celery takes it in place of the app's configuration");
        assert.equal(takenVariable("BROKER_URL"), "Celery takes it in place of sms:redis");
    });

    it("are addresses for the program if they are addresses for the app", () => {
        const addresses = Object.entries(appSettings()).filter(([, { type }]) => /Url/.test(type));
        assert.deepEqual(
            addresses.map(([name]) => name),
            ["ALIYUN_SMS_ENDPOINT"],
        );
        assert.ok(addresses.every(([name]) => Object.hasOwn(addressVariables, name)));
    });
});
