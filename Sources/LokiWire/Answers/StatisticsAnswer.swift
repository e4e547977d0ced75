import Bytes
import LogModel

/// The `stats` object: Grafana shows its summary, logcli decodes its numbers. What has no counterpart here is zero.
enum StatisticsAnswer {
    static func write(_ statistics: QueryStatistics, _ json: inout JSONWriter) {
        let perSecond = { (amount: Int) in
            statistics.execution > 0 ? Int64((Double(amount) / statistics.execution).rounded()) : 0
        }
        json.beginObject()
        json.key("summary")
        json.beginObject()
        json.key("bytesProcessedPerSecond")
        json.integer(perSecond(statistics.bytesRead))
        json.key("linesProcessedPerSecond")
        json.integer(perSecond(statistics.linesRead))
        json.key("totalBytesProcessed")
        json.integer(statistics.bytesRead)
        json.key("totalLinesProcessed")
        json.integer(statistics.linesRead)
        json.key("execTime")
        json.number(statistics.execution)
        json.key("queueTime")
        json.integer(0)
        json.key("subqueries")
        json.integer(0)
        json.key("totalEntriesReturned")
        json.integer(statistics.entriesReturned)
        json.key("splits")
        json.integer(0)
        json.key("shards")
        json.integer(0)
        json.key("totalPostFilterLines")
        json.integer(statistics.entriesReturned)
        json.key("totalStructuredMetadataBytesProcessed")
        json.integer(0)
        json.endObject()
        json.key("querier")
        json.beginObject()
        json.key("store")
        store(&json)
        json.endObject()
        json.key("ingester")
        json.beginObject()
        zeros(["totalReached", "totalChunksMatched", "totalBatches", "totalLinesSent"], &json)
        json.key("store")
        store(&json)
        json.endObject()
        json.key("cache")
        json.beginObject()
        for name in caches {
            json.key(name)
            json.beginObject()
            zeros(
                [
                    "entriesFound", "entriesRequested", "entriesStored", "bytesReceived", "bytesSent", "requests",
                    "downloadTime", "queryLengthServed",
                ], &json)
            json.endObject()
        }
        json.endObject()
        json.key("index")
        json.beginObject()
        zeros(["totalChunks", "postFilterChunks", "shardsDuration"], &json)
        json.key("usedBloomFilters")
        json.bool(false)
        json.endObject()
        json.endObject()
    }

    private static let caches: [StaticString] = [
        "chunk", "index", "result", "statsResult", "volumeResult", "seriesResult", "labelResult", "instantMetricResult",
    ]

    private static func zeros(_ names: [StaticString], _ json: inout JSONWriter) {
        for name in names {
            json.key(name)
            json.integer(0)
        }
    }

    private static func store(_ json: inout JSONWriter) {
        json.beginObject()
        zeros(["totalChunksRef", "totalChunksDownloaded", "chunksDownloadTime"], &json)
        json.key("queryReferencedStructuredMetadata")
        json.bool(false)
        json.key("chunk")
        json.beginObject()
        zeros(
            [
                "headChunkBytes", "headChunkLines", "decompressedBytes", "decompressedLines", "compressedBytes",
                "totalDuplicates", "postFilterLines", "headChunkStructuredMetadataBytes",
                "decompressedStructuredMetadataBytes",
            ], &json)
        json.endObject()
        zeros(["chunkRefsFetchTime", "congestionControlLatency", "pipelineWrapperFilteredLines"], &json)
        json.endObject()
    }
}
