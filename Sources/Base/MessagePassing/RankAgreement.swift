public import Failures
internal import JSON

/// What all ranks of a run must have alike, by a name that a person knows it by.
public struct RankFact: Sendable, Equatable {
  /// What it is, such as `options: lr`.
  public let name: String
  /// What it is on this rank.
  public let value: String

  /// A fact.
  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

extension Ranks {
  /// What every rank makes alike, such as a plan: all go on, or none does.
  ///
  /// - Parameters:
  ///   - make: makes it.
  ///   - facts: what of it must be alike.
  ///   - describe: one line of an error, and its kind.
  /// - Returns: what this rank made.
  /// - Throws: on the first rank its own error, else that of another or what differs there; on others
  ///   ``RankError/dismissed(status:)``. The run is over then.
  public func together<Value>(
    _ make: () throws -> Value, facts: (Value) throws -> [RankFact],
    describe: (any Error) -> (text: String, kind: FailureKind) = {
      ("\($0)", ($0 as? any ClassifiedError)?.failureKind ?? .wrongData)
    }
  ) throws -> Value {
    let made = Result { () -> (Value, [RankFact]) in
      let value = try make()
      return (value, try facts(value))
    }
    guard isFirst else {
      try send(report(made, describe), to: 0)
      let verdict = try receiveValue(from: 0)["status"]?.integer ?? 0
      guard verdict == 0, case .success(let (value, _)) = made else {
        end()
        throw RankError.dismissed(status: Int32(truncatingIfNeeded: verdict))
      }
      return value
    }
    var problem: RankError?
    for rank in 1..<count {
      let report = try receiveValue(from: rank)
      guard problem == nil, case .success(let (_, facts)) = made else { continue }
      problem = Self.problem(report, of: rank, facts)
    }
    let status: Int32 =
      switch made {
      case .failure(let error): describe(error).kind.rawValue
      case .success: problem?.failureKind.rawValue ?? 0
      }
    for rank in 1..<count { try send(["status": .integer(Int64(status))], to: rank) }
    if status != 0 { end() }
    let (value, _) = try made.get()
    if let problem { throw problem }
    return value
  }

  private func report<Value>(
    _ made: Result<(Value, [RankFact]), any Error>,
    _ describe: (any Error) -> (text: String, kind: FailureKind)
  ) -> JSONValue {
    switch made {
    case .success(let (_, facts)):
      [
        "host": .string(Self.host),
        "facts": .array(facts.map { [.string($0.name), .string($0.value)] }),
      ]
    case .failure(let error):
      [
        "host": .string(Self.host), "error": .string(describe(error).text),
        "status": .integer(Int64(describe(error).kind.rawValue)),
      ]
    }
  }

  /// What is wrong on a rank; nil: nothing.
  private static func problem(
    _ report: JSONValue, of rank: Int, _ expected: [RankFact]
  ) -> RankError? {
    let host = report["host"]?.string ?? "an unknown machine"
    if let error = report["error"]?.string {
      let kind = report["status"]?.integer.flatMap { FailureKind(rawValue: Int32($0)) }
      return .rankFailed(rank: rank, host: host, detail: error, kind: kind ?? .wrongData)
    }
    let found = (report["facts"]?.array ?? []).compactMap { pair -> RankFact? in
      guard let name = pair.array?.first?.string, let value = pair.array?.last?.string else {
        return nil
      }
      return RankFact(name, value)
    }
    for name in expected.map(\.name) + found.map(\.name) {
      let (ours, theirs) = (
        expected.first { $0.name == name }?.value ?? "absent",
        found.first { $0.name == name }?.value ?? "absent"
      )
      guard ours != theirs else { continue }
      return .differs(rank: rank, host: host, what: name, found: theirs, expected: ours)
    }
    return nil
  }
}
