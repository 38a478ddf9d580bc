import assert from "node:assert/strict";
import fc from "fast-check";
import { type AddressForm, addressFault, addressVariables, mongoForm, otlpForm, pageForm, redisForm } from "../../settings/address";

const forms = {
    redis: redisForm,
    mongo: mongoForm,
    gateway: addressVariables.ALIYUN_SMS_ENDPOINT,
    proxy: addressVariables.HTTPS_PROXY,
    otlp: otlpForm,
    page: pageForm,
} as Record<string, AddressForm>;

const right: [form: string, address: string][] = [
    ["redis", "redis://redis"],
    ["redis", "redis://:p%23ss@r-1.redis.rds.aliyuncs.com:6379/0"],
    ["redis", "rediss://sms:p%40ss%2Fw%3Ard@10.1.0.7:1/15?ssl_cert_reqs=required"],
    ["redis", "redis://sms:!$&'()*+,;=-._~@[fd00::7]:65535/"],
    ["mongo", "mongodb://mongo/sms"],
    ["mongo", "mongodb://sms:p%3Fs@m-1:3717,m-2.example.com,[fd00::7]:27017/sms?authSource=admin&tls=true&tlsCAFile=/etc/ca.pem"],
    ["mongo", "mongodb://mongo/?readPreferenceTags=dc:east,rack:1"],
    ["mongo", "mongodb+srv://sms:p%3Fs@cluster0.abcde.mongodb.net/sms?retryWrites=true"],
    ["mongo", "mongodb+srv://mongo.example.com"],
    ["gateway", "https://dysmsapi.aliyuncs.com"],
    ["gateway", "http://10.1.0.7:9443/"],
    ["proxy", "http://proxy:3128"],
    ["proxy", "http://me:p%40ss@proxy.example.com:3128/"],
    ["otlp", "https://otlp.example.com:4318"],
    ["page", "https://git.example.com/@sms/docs/on-call.md?ref=main"],
];

const encoding = "its user or its password isn't percent-encoded";
const port = "its port isn't a number from 1 to 65535";
const host = "its host is missing";
const account = "it has a user or a password";
const space = "it has a space or a control character";
const path = "its path has the wrong form";
const lookedUp = "after mongodb+srv:// there must be one name without a port: the DNS has the servers";
const pod = "its host is the pod itself";
const wrong: [form: string, address: string, fault: string][] = [
    ["redis", "", "it doesn't begin with redis:// or rediss://"],
    ["redis", "redis:6379", "it doesn't begin with redis:// or rediss://"],
    ["redis", "REDIS://redis", "it doesn't begin with redis:// or rediss://"],
    ["redis", "redis://:p#ss@h:6379/0", encoding],
    ["redis", "redis://:p/ss@h:6379/0", encoding],
    ["redis", "redis://:p@ss@h:6379/0", encoding],
    ["redis", "redis://:p%ss@h:6379/0", encoding],
    ["redis", "redis://:p%ffss@h:6379/0", encoding],
    ["redis", "redis://sms:p:ss@h:6379/0", encoding],
    ["redis", "redis://:pä@h", encoding],
    ["redis", "redis://:p ss@h", space],
    ["redis", "redis://redis\n", space],
    ["redis", "redis://:p@", host],
    ["redis", "redis://:p@:6379", host],
    ["redis", "redis://redis:", port],
    ["redis", "redis://redis:0", port],
    ["redis", "redis://redis:65536", port],
    ["redis", "redis://redis:6379x", port],
    ["redis", "redis://a,b", "its host isn't a name or an address"],
    ["redis", "redis://redis/sms", path],
    ["redis", "redis://redis/0?ssl", "its options aren't NAME=VALUE, with & between them"],
    ["redis", "redis://redis/0#x", "it has a #"],
    ["redis", "redis://127.0.0.1", pod],
    ["redis", "redis://[::1]:6379", pod],
    ["redis", "redis://[0:0:0:0:0:0:0:1]", pod],
    ["mongo", "mongodb://sms:p?s@h/sms", encoding],
    ["mongo", "mongodb://:p@h/sms", "its user is missing"],
    ["mongo", "mongodb+src://sms:p@h/sms", "it doesn't begin with mongodb:// or mongodb+srv://"],
    ["mongo", "mongodb+srv://sms:p@mongo.example.com:27017/sms", lookedUp],
    ["mongo", "mongodb+srv://sms:p@m-1.example.com,m-2.example.com/sms", lookedUp],
    ["mongo", "mongodb+srv://sms:p@10.1.0.7/sms", lookedUp],
    ["mongo", "mongodb+srv://sms:p@[fd00::7]/sms", lookedUp],
    ["mongo", "mongodb+srv://sms:p@/sms", host],
    ["mongo", "mongodb+srv://sms:p?s@mongo.example.com/sms", encoding],
    ["mongo", "mongodb+srv://sms:p@localhost/sms", pod],
    ["redis", "sentinel://:p@s-1:26379", "Sentinel isn't supported: name an address that always leads to the primary"],
    ["mongo", "mongodb://h,:27017/sms", host],
    ["mongo", "mongodb://h,h2:99999/sms", port],
    ["mongo", "mongodb://h,LOCALHOST./sms", pod],
    ["mongo", "mongodb://h/sms/more", path],
    ["mongo", "mongodb://h/s+ms", path],
    ["gateway", "https://", host],
    ["gateway", "https://gateway/path", path],
    ["gateway", "https://me@gateway", account],
    ["gateway", "https://a.localhost", pod],
    ["gateway", "ftp://gateway", "it doesn't begin with https:// or http://"],
    ["proxy", "http://me:p/s@proxy:3128", encoding],
    ["otlp", "https://otlp.example.com/", path],
    ["otlp", "https://otlp.example.com?a=b", "its options aren't NAME=VALUE, with & between them"],
    ["page", "https://me:pw@git.example.com/", account],
];

describe("an address", () => {
    for (const [form, address] of right) {
        it(`of ${form} is accepted: ${address}`, () => {
            assert.equal(addressFault(address, forms[form] as AddressForm), undefined);
        });
    }

    for (const [form, address, fault] of wrong) {
        it(`of ${form} is refused: ${JSON.stringify(address)}`, () => {
            assert.equal(addressFault(address, forms[form] as AddressForm), fault);
        });
    }

    it("accepts every percent-encoded password, and JavaScript's own reader reads the same one", () => {
        fc.assert(
            fc.property(fc.string({ unit: "grapheme", minLength: 1 }), fc.integer({ min: 1, max: 65535 }), (password, port) => {
                const text = `redis://sms:${encodeURIComponent(password)}@redis.example.com:${port}/0`;
                assert.equal(addressFault(text, redisForm), undefined);
                const url = new URL(text);
                assert.deepEqual([decodeURIComponent(url.password), url.hostname, url.port], [password, "redis.example.com", `${port}`]);
            }),
        );
    });

    it("is never accepted if JavaScript's own reader reads another password, host or port than the written one", () => {
        const password = fc.string({ unit: fc.constantFrom(..."ab1:/?#@%[]&= "), minLength: 1, maxLength: 6 });
        fc.assert(
            fc.property(password, (password) => {
                const text = `redis://sms:${password}@redis.example.com:6380/0`;
                if (addressFault(text, redisForm) === undefined) {
                    const url = new URL(text);
                    assert.deepEqual([url.username, url.hostname, url.port, url.pathname], ["sms", "redis.example.com", "6380", "/0"]);
                }
            }),
            { numRuns: 2000 },
        );
    });
});
