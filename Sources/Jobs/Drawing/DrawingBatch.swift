/// Plans of several prompts: one for all that are drawn in the same way.
public struct DrawingBatch: Sendable {
  /// Some of the pictures.
  public struct Part: Sendable {
    /// What draws them.
    public let plan: DrawingPlan
    /// Where each of the plan's pictures stands among all, counted from 0.
    public let places: [Int]
  }

  /// The parts, in the order of their first pictures.
  public let parts: [Part]

  /// Pictures of all parts.
  public var pictureCount: Int { parts.reduce(0) { $0 + $1.places.count } }

  /// Resolves a request for some prompts.
  ///
  /// - Parameters:
  ///   - request: what holds for all lines that don't say otherwise; its prompts are those of the lines.
  ///   - lines: the prompts; none where states of prompts are given.
  /// - Throws: what ``DrawingPlan/init(_:)`` throws.
  public init(_ request: DrawingRequest, lines: [PromptLine]) throws {
    var groups: [[Int]] = []
    var known: [PromptLine: Int] = [:]
    for (index, line) in lines.enumerated() {
      if let group = known[line.manner] {
        groups[group].append(index)
      } else {
        known[line.manner] = groups.count
        groups.append([index])
      }
    }
    guard groups.count > 1 || lines.contains(where: { $0.seed != nil }) else {
      var request = request
      request.prompts = lines.map(\.prompt)
      if let line = lines.first { request.take(line) }
      let plan = try DrawingPlan(request)
      parts = [Part(plan: plan, places: Array(0..<plan.pictureCount))]
      return
    }
    if let latents = request.latents {
      throw DrawingError.invalid(
        source: "--latents \(latents)", expected: "prompts that are all drawn in one way",
        found: "lines with seeds or settings of their own")
    }
    let count = request.picturesPerPrompt
    var parts: [Part] = []
    for group in groups {
      var own = request
      own.take(lines[group[0]])
      own.prompts = group.map { lines[$0].prompt }
      own.picks = group.enumerated().flatMap { prompt, line in
        (0..<count).map { number in
          .init(prompt: prompt, seed: (lines[line].seed ?? request.seed) &+ UInt64(number))
        }
      }
      parts.append(
        Part(
          plan: try DrawingPlan(own, like: parts.first?.plan),
          places: group.flatMap { line in (0..<count).map { line * count + $0 } }))
    }
    self.parts = parts
  }
}

extension DrawingRequest {
  /// Takes what a line says of all that is drawn like it.
  fileprivate mutating func take(_ line: PromptLine) {
    negative = line.negative ?? negative
    cfg = line.cfg ?? cfg
    guidance = line.guidance ?? guidance
    if let width = line.width, let height = line.height {
      size = .pixels(width: width, height: height)
    }
  }
}
