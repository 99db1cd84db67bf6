import Elements
import Testing

@Suite("A shape")
struct ElementCountTests {
  @Test(
    "has as many elements as its sizes make, none where one is 0",
    arguments: [
      ([], 1), ([3], 3), ([2, 3, 4], 24), ([1 << 62, 2, 0], 0), ([0, .max, .max], 0),
      ([1 << 62, 2], .max), ([.max, 1], .max),
    ] as [([Int], Int)])
  func count(shape: [Int], count: Int) {
    #expect(shape.elementCount == count)
    #expect(([5] + shape).dropFirst().elementCount == count)
  }
}
