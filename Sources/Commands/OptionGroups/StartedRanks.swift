internal import ArgumentParser
public import CommandSupport
internal import Failures
internal import Files
public import MessagePassing
internal import SystemPackage

extension ToolCommand {
  /// Runs a command's work on the processes that a launcher started, which then are ranks of one run: the first
  /// one speaks for all. Nil is given to a process that stands alone.
  ///
  /// - Parameter body: the work. Where it throws before the run is over for all ranks, all are ended.
  /// - Throws: what the body throws, or what is in the way of a run of several processes.
  public func onRanks(_ body: (Ranks?) throws -> Void) throws {
    guard let launch = try Launch(environment: variable) else { return try body(nil) }
    let transport = try OpenMPI(joining: launch) { Interruption.isPressing }
    let ranks = Ranks(transport)
    Terminal.detail("rank \(ranks.rank) of \(ranks.count), \(transport.version)")
    guard ranks.count > 1 else {
      try body(nil)
      return try ranks.leave()
    }
    if !ranks.isFirst { Terminal.setVerbosity(.silent) }
    do {
      try body(ranks)
      try ranks.leave()
    } catch RankError.dismissed(let status) {
      try? ranks.leave()
      throw ExitCode(status)
    } catch {
      let named =
        ranks.isFirst || ranks.isOver
        ? error
        : RankError.rankFailed(
          rank: ranks.rank, host: Ranks.host, detail: "\(error)", kind: failureKind(of: error))
      let told = reported(named, asJSON: json && ranks.isFirst)
      if ranks.isOver {
        try? ranks.leave()
        throw told
      }
      // The others wait for messages that will not come.
      let status = (told as? ExitCode)?.rawValue ?? FailureKind.usage.rawValue
      if !(told is ExitCode) { Terminal.failure("\(told)") }
      ranks.abort(status: status)
      throw ExitCode(status)
    }
  }

  /// How many threads each of the ranks uses: what `--threads` says, else the processors that the launcher left
  /// it, or where it left all to all its part of them.
  public func threadCount(on ranks: Ranks?) -> Int {
    guard ranks != nil, common.threads == nil else { return common.threadCount }
    let (part, allowed) = (Processors.part, Processors.allowedCount)
    if let ranks, ranks.isFirst, allowed < part {
      Terminal.warn(
        "the launcher binds a rank to \(allowed) of its \(part) processors: mpirun --bind-to none leaves "
          + "it all")
    }
    return allowed < CommonOptions.processorCount ? allowed : part
  }
}

/// What every rank of a run must have alike besides what it is asked for: the program itself.
public func programFact() throws -> RankFact {
  RankFact("SHA-256 of the program", try SHA256.hexadecimal(of: "/proc/self/exe"))
}

/// The processors of this machine.
private enum Processors {
  /// A rank's part of them, where several run here.
  static var part: Int {
    let launch = try? Launch(environment: variable)
    return max(1, CommonOptions.processorCount / max(1, launch?.localCount ?? 1))
  }

  /// Those that this process may run on.
  ///
  /// Source: proc(5), /proc/PID/status, `Cpus_allowed`: a mask in hexadecimal, words joined by commas.
  static var allowedCount: Int {
    let status = (try? readWhole("/proc/self/status", atMost: 1 << 16)) ?? []
    let lines = String(decoding: status, as: UTF8.self).split(separator: "\n")
    guard let line = lines.first(where: { $0.hasPrefix("Cpus_allowed:") }) else {
      return CommonOptions.processorCount
    }
    return max(1, line.dropFirst(13).reduce(0) { $0 + ($1.hexDigitValue ?? 0).nonzeroBitCount })
  }
}
