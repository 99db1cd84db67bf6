public import JSON

/// What a benchmark found: version 1 of `glance-bench`'s record, docs/performance.md.
public struct BenchmarkReport: Sendable {
  /// What was timed.
  public let benchmark: String
  /// On what.
  public let machine: Machine
  /// What came out.
  public let comparisons: [Comparison]
  /// Versions of what rivals are made of, if there were any.
  public let versions: [(name: String, version: String)]

  /// A report of these findings.
  public init(
    benchmark: String, machine: Machine, comparisons: [Comparison],
    versions: [(name: String, version: String)] = []
  ) {
    self.benchmark = benchmark
    self.machine = machine
    self.comparisons = comparisons
    self.versions = versions
  }

  /// For programs.
  public var json: JSONValue {
    var object: JSONObject = [
      "format": "glance-bench/1", "benchmark": .string(benchmark), "machine": machine.json,
      "comparisons": .array(comparisons.map(\.json)),
      "summaries": .array(Summary.all(of: comparisons).map(\.json)),
    ]
    if !versions.isEmpty {
      object["rivals"] = .array(RivalRatio.all(of: comparisons).map(\.json))
      object["versions"] = .object(
        JSONObject(versions.map { .init(key: $0.name, value: .string($0.version)) }))
    }
    return .object(object)
  }
}

extension Machine {
  fileprivate var json: JSONValue {
    [
      "processor": .string(processor), "processors": .integer(Int64(processorCount)),
      "memory_bytes": .integer(Int64(memory)), "threads": .integer(Int64(threads)),
      "load": load.json, "level": .string(level),
      "kernels": .array(kernels.map { .string($0) }), "openblas": .string(openBLAS),
    ]
  }
}

extension Comparison {
  fileprivate var json: JSONValue {
    var object: JSONObject = [
      "group": .string(group), "name": .string(name), "basis": .string(basis.rawValue),
      "reference": .string(reference.name),
      "contenders": .array(timings.map(json)),
    ]
    if let memory {
      object["anonymous_bytes"] = .integer(Int64(memory.anonymous))
      object["planned_bytes"] = .integer(Int64(memory.planned))
    }
    return .object(object)
  }

  private func json(_ timing: Timing) -> JSONValue {
    var object: JSONObject = [
      "name": .string(timing.name), "seconds": timing.wall.json, "cpu_seconds": timing.cpu.json,
      "ratio": ratio(timing).json, "quiet": .bool(timing.wasQuiet),
    ]
    if let operations = timing.operations { object["operations"] = .number(operations) }
    if let rate = timing.rate { object["gflops_per_cpu_second"] = (rate / 1e9).json }
    if let bytes = timing.bytes { object["bytes"] = .integer(Int64(bytes)) }
    if let memory = timing.memory {
      object["anonymous_bytes"] = .integer(Int64(memory.beside))
      object["whole_anonymous_bytes"] = .integer(Int64(memory.whole))
    }
    object["samples"] = .array(
      timing.samples.map {
        ["seconds": $0.wall.json, "cpu_seconds": $0.cpu.json, "quiet": .bool($0.isQuiet)]
      })
    return .object(object)
  }
}

extension Summary {
  fileprivate var json: JSONValue {
    var object: JSONObject = ["group": .string(group), "name": .string(name)]
    if let rate { object["gflops_per_cpu_second"] = (rate / 1e9).json }
    object["ratio"] = ratio.json
    object["smallest_ratio"] = smallest.json
    object["largest_ratio"] = largest.json
    return .object(object)
  }
}

extension RivalRatio {
  fileprivate var json: JSONValue {
    [
      "group": .string(group), "name": .string(name), "rival": .string(rival), "ratio": ratio.json,
      "smallest_ratio": smallest.json, "largest_ratio": largest.json,
      "seconds_ratio": seconds.json,
    ]
  }
}

extension Double {
  /// Null for what JSON has no number for.
  fileprivate var json: JSONValue { isFinite ? .number(self) : .null }
}
