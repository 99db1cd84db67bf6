import Elements
import Testing

@Suite("A random stream")
struct RandomStreamTests {
  @Test("has four words that differ for every key, and repeats for the same")
  func keyed() {
    let stream = RandomStream(seed: 7, purpose: .test, step: 3)
    let same = RandomStream(seed: 7, purpose: .test, step: 3)
    let other = RandomStream(seed: 7, purpose: .test, step: 4)
    #expect(stream.words(at: 11) == same.words(at: 11))
    #expect(stream.words(at: 11) != other.words(at: 11))
    #expect(stream.words(at: 11) != stream.words(at: 12))
  }

  @Test func normalsHaveMeanZeroAndVarianceOne() {
    let values = RandomStream(seed: 1, purpose: .test).normals(count: 100_001).map(Double.init)
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count) - mean * mean
    // Standard errors are 0.003 and 0.0045; five of them.
    #expect(abs(mean) < 0.016)
    #expect(abs(variance - 1) < 0.023)
    #expect(values.count == 100_001)
  }
}
