public import ArgumentParser
internal import Files
internal import Reports

/// `--verify`, of commands that write checkpoints.
public struct ReadingBackOption: ParsableArguments {
  /// Whether outputs are read back.
  @Flag(
    help: """
      Read every output back from the disk and compare it with what was written, before it gets its \
      name: for disks that are not trusted.
      """)
  public var verify = false

  /// The default: outputs are made durable and not read back.
  public init() {}

  /// Makes the outputs of this run be read back; call it before the first is written.
  public func prepare() {
    if verify { AtomicFile.readBackFiles() }
  }

  /// Says how much was read back, when all is written.
  public func tell() {
    let count = AtomicFile.readBackByteCount
    guard count > 0 else { return }
    Terminal.note("read back \(Readable.count(count, "byte")) from the disk, all as written")
  }
}
