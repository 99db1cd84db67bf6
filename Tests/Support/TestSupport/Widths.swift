internal import Concurrency
public import Testing

/// What the body makes with loops of each of these widths, which must really have been used: a loop
/// of as many threads has run, so that equal results mean something.
public func atWidths<Result>(
  _ widths: [Int], sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Result
) rethrows -> [Result] {
  try widths.map { width in
    let (result, widest) = try Parallel.withThreads(width, body)
    #expect(
      widest == width, "no loop was divided among \(width) threads",
      sourceLocation: sourceLocation)
    return result
  }
}
