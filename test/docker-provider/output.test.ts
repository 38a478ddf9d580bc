import { strict as assert } from "node:assert";
import { statusResponse } from "../../lab/machine/docker-provider/buildkit";
import { type Message, Output } from "../../lab/machine/docker-provider/output";

/** A message in BuildKit's format. */
function trace(status: { vertexes?: object[]; logs?: object[] }): Message {
    return { id: "moby.buildkit.trace", aux: Buffer.from(statusResponse.encode(status).finish()).toString("base64") };
}

const started = Buffer.from([8, 1]);
const log = (vertex: string, text: string) => trace({ logs: [{ vertex, msg: Buffer.from(text) }] });

function linesOf(output: Output, messages: Message[]): string[] {
    return messages.flatMap((message) => output.read(message));
}

describe("A build's output", () => {
    it("prints each of BuildKit's steps once, when it starts, and the step's own output", () => {
        const make = { digest: "sha256:1", name: "[2/3] RUN make" };
        const lines = linesOf(new Output(), [
            trace({ vertexes: [make] }),
            trace({ vertexes: [{ ...make, started }] }),
            log("sha256:1", "compiling\nlin"),
            log("sha256:1", "king\r\n\n10%\r90%\rdone\n"),
            trace({ vertexes: [{ ...make, started, completed: started }] }),
        ]);
        assert.deepEqual(lines, ["[2/3] RUN make", "compiling", "linking", "done"]);
    });

    it("prints the cached steps, and leaves out BuildKit's own steps", () => {
        const vertexes = [
            { digest: "a", name: "[internal] load .dockerignore", started },
            { digest: "b", name: "[1/2] COPY . /app", cached: true, started },
        ];
        assert.deepEqual(linesOf(new Output(), [trace({ vertexes })]), ["[1/2] COPY . /app (cached)"]);
    });

    it("names the failing step with its last 20 lines, not a step that was canceled because of it", () => {
        const output = new Output();
        const [test, make] = [
            { digest: "t", name: "[test 1/1] RUN test", started },
            { digest: "m", name: "[2/2] RUN make", started },
        ];
        linesOf(output, [
            trace({ vertexes: [test, make] }),
            log("t", "testing\n"),
            log("m", `${Array.from({ length: 30 }, (_, i) => `line ${i}`).join("\n")}\nno newline`),
            trace({ vertexes: [{ ...test, error: "context canceled" }] }),
            trace({ vertexes: [{ ...make, error: "exit code: 2" }] }),
            { error: "make: exit code: 2", errorDetail: { message: 'process "make" did not complete successfully: exit code: 2' } },
        ]);
        const [first, ...last] = output.failure.split("\n    ");
        assert.equal(first, ' at [2/2] RUN make: process "make" did not complete successfully: exit code: 2');
        assert.deepEqual([last.length, last[0], last.at(-1)], [20, "line 11", "no newline"]);
    });

    it("gives the reason if no step failed", () => {
        const output = new Output();
        output.read({ error: "dockerfile parse error line 2: unknown instruction: COPPY" });
        assert.equal(output.failure, ": dockerfile parse error line 2: unknown instruction: COPPY");
    });

    it("understands the classic builder", () => {
        const output = new Output();
        const lines = linesOf(output, [
            { stream: "Step 1/2 : FROM scratch\n" },
            { stream: "\n" },
            { stream: "Step 2/2 : RUN make\n" },
            { stream: "compiling\n" },
            { error: "returned a non-zero code: 2" },
        ]);
        assert.deepEqual(lines, ["Step 1/2 : FROM scratch", "Step 2/2 : RUN make", "compiling"]);
        assert.equal(output.failure, " at Step 2/2 : RUN make: returned a non-zero code: 2\n    compiling");
    });

    it("has the image's ID from either builder", () => {
        const output = new Output();
        output.read({ id: "moby.image.id", aux: { ID: "sha256:1" } });
        assert.equal(output.imageId, "sha256:1");
    });

    it("prints the result of a push for each layer, without its progress, and has the digest", () => {
        const output = new Output();
        const lines = linesOf(output, [
            { status: "The push refers to repository [r.example/app]" },
            { status: "Pushing", id: "84105e49faad", progressDetail: { current: 512 } },
            { status: "Pushed", id: "84105e49faad", progressDetail: {} },
            { aux: { Digest: "sha256:2" } },
        ]);
        assert.deepEqual(lines, ["The push refers to repository [r.example/app]", "84105e49faad: Pushed"]);
        assert.equal(output.pushedDigest, "sha256:2");
    });
});
