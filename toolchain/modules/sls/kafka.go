package main

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The used error codes of Kafka.
const (
	unknown                    = -1
	corruptMessage             = 2
	unknownTopicOrPartition    = 3
	unsupportedSASLMechanism   = 33
	illegalSASLState           = 34
	unsupportedVersion         = 35
	saslAuthenticationFailed   = 58
	unsupportedCompressionType = 76
	largestRequest             = 16 << 20
	onlyNode                   = 0
)

// The accepted requests, each with its versions from Kafka 2.1, the oldest that SLS accepts, to Kafka 3.
var apis = []kmsg.ApiVersionsResponseApiKey{
	{ApiKey: 0, MinVersion: 3, MaxVersion: 9},
	{ApiKey: 3, MinVersion: 0, MaxVersion: 9},
	{ApiKey: 17, MinVersion: 0, MaxVersion: 1},
	{ApiKey: 18, MinVersion: 0, MaxVersion: 3},
	{ApiKey: 36, MinVersion: 0, MaxVersion: 2},
}

func serve(listener net.Listener, port string, stores *logstores) error {
	portNumber, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		return err
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close()
			client := &client{connection: connection.(*tls.Conn), port: int32(portNumber), stores: stores}
			if err := client.serve(); err != nil && !errors.Is(err, io.EOF) {
				log.Printf("%s: %v", connection.RemoteAddr(), err)
			}
		}()
	}
}

// client is one connection. Only the requests of the login itself are accepted before the login.
type client struct {
	connection *tls.Conn
	port       int32
	stores     *logstores
	// Set by the login.
	project string
}

func (c *client) serve() error {
	if err := c.connection.Handshake(); err != nil {
		return err
	}
	for {
		var size uint32
		if err := binary.Read(c.connection, binary.BigEndian, &size); err != nil {
			return err
		}
		if size > largestRequest {
			return fmt.Errorf("a request of %d bytes", size)
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(c.connection, body); err != nil {
			return err
		}
		reader := kbin.Reader{Src: body}
		key, version, correlation := reader.Int16(), reader.Int16(), reader.Int32()
		reader.NullableString()
		request := kmsg.RequestForKey(key)
		if request == nil || !reader.Ok() {
			return fmt.Errorf("no Kafka request: key %d", key)
		}
		isTooNew := key == 18 && version > 3
		if isTooNew {
			version = 0
		}
		request.SetVersion(version)
		if !isTooNew {
			if request.IsFlexible() {
				kmsg.SkipTags(&reader)
			}
			if err := request.ReadFrom(reader.Src); err != nil {
				return fmt.Errorf("request %d in version %d: %w", key, version, err)
			}
		}
		response, err := c.answer(request, isTooNew)
		if err != nil {
			return err
		}
		if response == nil {
			continue
		}
		out := binary.BigEndian.AppendUint32(make([]byte, 4), uint32(correlation))
		if response.IsFlexible() && key != 18 {
			out = append(out, 0)
		}
		out = response.AppendTo(out)
		binary.BigEndian.PutUint32(out, uint32(len(out)-4))
		if _, err := c.connection.Write(out); err != nil {
			return err
		}
	}
}

// answer returns nil if the client expects no response.
func (c *client) answer(request kmsg.Request, isTooNew bool) (kmsg.Response, error) {
	response := request.ResponseKind()
	switch request := request.(type) {
	case *kmsg.ApiVersionsRequest:
		versions := response.(*kmsg.ApiVersionsResponse)
		versions.ApiKeys = apis
		if isTooNew {
			versions.ErrorCode = unsupportedVersion
		}
		return response, nil
	case *kmsg.SASLHandshakeRequest:
		handshake := response.(*kmsg.SASLHandshakeResponse)
		handshake.SupportedMechanisms = []string{"PLAIN"}
		if request.Mechanism != "PLAIN" {
			handshake.ErrorCode = unsupportedSASLMechanism
		}
		return response, nil
	case *kmsg.SASLAuthenticateRequest:
		c.logIn(request.SASLAuthBytes, response.(*kmsg.SASLAuthenticateResponse))
		return response, nil
	}
	if c.project == "" {
		return nil, fmt.Errorf("request %d before the login", request.Key())
	}
	switch request := request.(type) {
	case *kmsg.MetadataRequest:
		c.describe(request, response.(*kmsg.MetadataResponse))
		return response, nil
	case *kmsg.ProduceRequest:
		c.take(request, response.(*kmsg.ProduceResponse))
		if request.Acks == 0 {
			return nil, nil
		}
		return response, nil
	}
	return nil, fmt.Errorf("request %d is not one that SLS takes", request.Key())
}

// logIn checks PLAIN's message: authorization identity, user and password, each ended by a zero.
func (c *client) logIn(message []byte, response *kmsg.SASLAuthenticateResponse) {
	parts := bytes.Split(message, []byte{0})
	if len(parts) != 3 {
		response.ErrorCode = illegalSASLState
		return
	}
	project, password := string(parts[1]), string(parts[2])
	if !c.stores.admits(project, password) {
		response.ErrorCode = saslAuthenticationFailed
		response.ErrorMessage = kmsg.StringPtr("project or access key is wrong")
		log.Printf("%s: login to project %q refused", c.connection.RemoteAddr(), project)
		return
	}
	c.project = project
}

// describe names the only broker by the name that the client has connected to.
func (c *client) describe(request *kmsg.MetadataRequest, response *kmsg.MetadataResponse) {
	broker := kmsg.NewMetadataResponseBroker()
	broker.NodeID, broker.Host, broker.Port = onlyNode, c.connection.ConnectionState().ServerName, c.port
	response.Brokers = append(response.Brokers, broker)
	response.ControllerID = onlyNode
	for _, asked := range request.Topics {
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic = asked.Topic
		if asked.Topic == nil {
			continue
		}
		if _, _, err := c.stores.file(c.project, *asked.Topic); err != nil {
			topic.ErrorCode = unknownTopicOrPartition
		} else {
			partition := kmsg.NewMetadataResponseTopicPartition()
			partition.Leader, partition.Replicas, partition.ISR = onlyNode, []int32{onlyNode}, []int32{onlyNode}
			topic.Partitions = append(topic.Partitions, partition)
		}
		response.Topics = append(response.Topics, topic)
	}
}

func (c *client) take(request *kmsg.ProduceRequest, response *kmsg.ProduceResponse) {
	for _, topic := range request.Topics {
		taken := kmsg.NewProduceResponseTopic()
		taken.Topic = topic.Topic
		for _, partition := range topic.Partitions {
			result := kmsg.NewProduceResponseTopicPartition()
			result.Partition = partition.Partition
			values, code := recordValues(partition.Records)
			if code == 0 {
				switch err := c.stores.add(c.project, topic.Topic, values); {
				case errors.Is(err, errUnknownLogstore):
					code = unknownTopicOrPartition
				case err != nil:
					log.Printf("%s/%s: %v", c.project, topic.Topic, err)
					code = unknown
				}
			}
			result.ErrorCode = code
			taken.Partitions = append(taken.Partitions, result)
		}
		response.Topics = append(response.Topics, taken)
	}
}

// recordValues returns the values in a partition's batches, or Kafka's code of the error in them.
func recordValues(batches []byte) (values [][]byte, code int16) {
	for len(batches) > 0 {
		if len(batches) < 12 {
			return nil, corruptMessage
		}
		length := int(binary.BigEndian.Uint32(batches[8:])) + 12
		if length > len(batches) {
			return nil, corruptMessage
		}
		var batch kmsg.RecordBatch
		if err := batch.ReadFrom(batches[:length]); err != nil || batch.Magic != 2 {
			return nil, corruptMessage
		}
		// The checksum covers what follows it.
		if uint32(batch.CRC) != crc32.Checksum(batches[21:length], crc32.MakeTable(crc32.Castagnoli)) {
			return nil, corruptMessage
		}
		records := batch.Records
		switch batch.Attributes & 7 {
		case 0:
		case 1:
			unpacked, err := gzip.NewReader(bytes.NewReader(records))
			if err != nil {
				return nil, corruptMessage
			}
			if records, err = io.ReadAll(io.LimitReader(unpacked, largestRequest)); err != nil {
				return nil, corruptMessage
			}
		default:
			return nil, unsupportedCompressionType
		}
		for range batch.NumRecords {
			length, digits := kbin.Varint(records)
			end := digits + int(length)
			if digits <= 0 || length < 0 || end > len(records) {
				return nil, corruptMessage
			}
			var record kmsg.Record
			if err := record.ReadFrom(records[:end]); err != nil {
				return nil, corruptMessage
			}
			values = append(values, record.Value)
			records = records[end:]
		}
		batches = batches[length:]
	}
	return values, 0
}
