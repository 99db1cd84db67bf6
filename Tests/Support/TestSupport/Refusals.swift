public import Testing

/// What the body throws must be an error of this type whose text holds this: a refusal for another
/// reason than the test's own is a failure.
public func expectRefusal<Failure: Error, Result>(
  _ type: Failure.Type, saying text: String, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Result
) {
  let error = #expect(throws: type, sourceLocation: sourceLocation) { _ = try body() }
  guard let error else { return }
  #expect("\(error)".contains(text), "\(error)", sourceLocation: sourceLocation)
}
