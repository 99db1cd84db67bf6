internal import CPrograms
internal import Compute
internal import Concurrency
internal import JSON
public import SystemPackage

/// PyTorch in a Python that somebody names: one process, as long as this lives, that times its own work
/// while this program waits.
public final class PythonRivals {
  /// What of Python's packages work needs.
  public enum Packages: Sendable {
    /// PyTorch alone.
    case tensors
    /// Models of diffusers.
    case models
    /// The same with adapters of PEFT.
    case adapters

    fileprivate var names: [String] {
      switch self {
      case .tensors: ["torch"]
      case .models: ["torch", "diffusers"]
      case .adapters: ["torch", "diffusers", "peft"]
      }
    }
  }

  /// Python's version and those of its packages.
  public let versions: [(name: String, version: String)]
  private let python: String
  private let process: RivalProcess

  /// Starts it, on as many threads as this program has.
  ///
  /// - Parameters:
  ///   - python: an interpreter: a path, or a name that is looked for as a shell does.
  ///   - packages: what it needs.
  /// - Throws: when it can't be started, is no Python, or lacks packages, which are named.
  public init(python: FilePath, packages: Packages) throws {
    self.python = python.string
    let program = unsafe String(cString: torch_rival_program())
    process = try RivalProcess([python.string, "-c", program])
    let answer = try Self.answer(
      of: process, self.python, "hello",
      [
        "op": "hello", "threads": .integer(Int64(Parallel.threadCount)),
        "packages": .array(packages.names.map { .string($0) }),
      ])
    if let missing = answer["missing"]?.array {
      throw BenchmarkError.lacks(python: self.python, packages: missing.compactMap(\.string))
    }
    versions =
      answer["versions"]?.object?.members.map { ($0.key, $0.value.string ?? "") } ?? []
  }

  /// Work that is prepared there, as a rival of what is timed here.
  ///
  /// - Parameters:
  ///   - name: what it is, for people.
  ///   - operations: its floating-point operations.
  ///   - subject: a function of `tools/torch_rival.py`.
  ///   - arguments: the function's.
  /// - Returns: the rival, whose work lives as long as it does.
  /// - Throws: what Python throws.
  func contender(
    _ name: String, operations: Double, _ subject: String, _ arguments: JSONObject
  ) throws -> Contender {
    let answer = try answer(
      subject, ["op": "prepare", "subject": .string(subject), "arguments": .object(arguments)])
    let work = PreparedWork(
      name: name, number: answer["id"]?.integer ?? 0, rivals: self)
    var memory: Timing.Memory?
    if let growth = answer["anonymous_bytes"]?.integer, let whole = answer["whole_bytes"]?.integer {
      memory = Timing.Memory(beside: growth, whole: whole)
    }
    return Contender(rival: name, operations: operations, memory: memory, run: work.run)
  }

  /// An answer that tells of no error.
  fileprivate func answer(_ work: String, _ request: JSONValue) throws -> JSONValue {
    try Self.answer(of: process, python, work, request)
  }

  private static func answer(
    of process: RivalProcess, _ python: String, _ work: String, _ request: JSONValue
  ) throws -> JSONValue {
    let answer = try process.answer(request)
    if let error = answer["error"]?.string {
      throw BenchmarkError.rivalFailed(python: python, work: work, error: error)
    }
    return answer
  }
}

extension PythonRivals? {
  /// Work in several precisions; none where there is no Python.
  ///
  /// - Parameters:
  ///   - precisions: which; their names are those of Python's types.
  ///   - manner: what follows in their names.
  ///   - operations: floating-point operations of each.
  ///   - subject: a function of `tools/torch_rival.py`.
  ///   - arguments: the function's, but for its type.
  /// - Returns: a rival for each.
  /// - Throws: what Python throws.
  func contenders(
    _ precisions: [ProductPrecision], _ manner: String = "", operations: Double,
    _ subject: String, _ arguments: JSONObject
  ) throws -> [Contender] {
    guard let rivals = self else { return [] }
    return try precisions.map { precision in
      var arguments = arguments
      arguments["dtype"] = .string(precision.rawValue)
      return try rivals.contender(
        "PyTorch \(precision.rawValue)\(manner)", operations: operations, subject, arguments)
    }
  }

  /// Work on pictures in several precisions and both memory formats; see ``contenders(_:_:operations:_:_:)``.
  func contendersInBothFormats(
    _ precisions: [ProductPrecision], operations: Double, _ subject: String,
    _ arguments: JSONObject
  ) throws -> [Contender] {
    try [false, true].flatMap { isChannelsLast in
      var arguments = arguments
      arguments["channels_last"] = .bool(isChannelsLast)
      return try contenders(
        precisions, isChannelsLast ? ", channels last" : "", operations: operations, subject,
        arguments)
    }
  }
}

/// Work in Python's memory, until nobody needs it.
private final class PreparedWork {
  private let name: String
  private let number: JSONValue
  private let rivals: PythonRivals

  init(name: String, number: Int, rivals: PythonRivals) {
    self.name = name
    self.number = .integer(Int64(number))
    self.rivals = rivals
  }

  deinit { _ = try? rivals.answer(name, ["op": "drop", "id": number]) }

  /// One run, by Python's clocks.
  func run() throws -> Moment {
    let answer = try rivals.answer(name, ["op": "run", "id": number])
    return Moment(
      wall: answer["seconds"]?.double ?? .nan, cpu: answer["cpu_seconds"]?.double ?? .nan)
  }
}
