import type { OtherContainer, Volume } from "./podTemplate";

/**
 * Live reload, for development: the pod runs its own copy of the code. `npm run dev` writes changed files into the copy and sends SIGHUP,
 * and the process starts again with the new code.
 */
export interface LiveReload {
    /** Replaces the process' command. */
    command: string[];
    /** Copies the image's code into the volume. */
    initContainer: OtherContainer;
    /** The pod's copy of the code. It remains if the container restarts, and is lost with the pod. */
    volume: Volume;
}

/** The folder of the code in the image: its WORKDIR. */
export const codeFolder = "/code";

/** The name of the init container. */
export const copyContainer = "copy-code";

const copyFolder = "/live-code";

/** The image has compiled modules, which Python prefers to their sources without a look at the sources. */
const copy = `cp -R ${codeFolder}/. ${copyFolder} && find ${copyFolder} -name __pycache__ -prune -exec rm -r {} +`;

/** Starts the process, and starts it again at SIGHUP. A process that has ended by itself waits for SIGHUP: its code has to change first. */
const restarter = `
run() {
    "$@" & process=$!
    [ -z "$again$ended" ] || kill $process
    while kill -0 $process 2>&-; do wait $process; done
}
trap 'again=1; kill $process' HUP
trap 'ended=1; kill $process' TERM
until [ "$ended" ]; do
    run "$@"
    [ "$again$ended" ] || echo 'The process has ended. It starts again when its code changes.'
    until [ "$again$ended" ]; do run sleep 1 2>/dev/null; done
    again=
done`;

/** The parts of a pod that runs `command` from its own copy of the code. The copying needs no more resources than the process. */
export function liveReload(command: readonly string[], { image, resources }: Pick<OtherContainer, "image" | "resources">): LiveReload {
    const volume = { name: "code", emptyDir: { sizeLimit: "64Mi" } };
    return {
        command: ["sh", "-c", restarter, "restarter", ...command],
        initContainer: {
            name: copyContainer,
            image,
            resources,
            command: ["sh", "-c", copy],
            volumes: [{ ...volume, mountPath: copyFolder }],
        },
        volume: { ...volume, mountPath: codeFolder },
    };
}
