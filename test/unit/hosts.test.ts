import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { hostsOf } from "../../components/managedStore";
import { resolve } from "../../lab/fixtures/deployed";

describe("the hosts of a store", () => {
    const hosts: [url: string, hosts: string][] = [
        ["redis://:p%40ss@redis.example.com:6379/0", "redis.example.com:6379"],
        ["rediss://redis", "redis"],
        ["mongodb://sms:p@a.example:3717,b.example/sms?authSource=admin", "a.example:3717,b.example"],
        ["mongodb+srv://sms:p%40ss@mongo.example.com/sms", "mongo.example.com"],
    ];
    for (const [url, expected] of hosts) {
        it(`are shown without its password: ${expected}`, async () => {
            assert.deepEqual(await resolve(hostsOf(pulumi.secret(url))), { value: expected, secret: false });
        });
    }
});
