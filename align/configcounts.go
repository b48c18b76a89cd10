package align

// configCounts counts launches by configuration. The zero value is ready.
type configCounts struct {
	counts []configCount
	index  map[uint32]int // of counts by configuration, once there are many
	// Launches of one configuration come in runs, which are counted here.
	last configCount
}

// A configCount is how many launches have a configuration, and the first of them.
type configCount struct {
	config   uint32
	n, first int
}

// maxListed is how many are found faster by looking at all of them.
const maxListed = 8

// reset begins to count anew.
func (c *configCounts) reset() {
	c.counts, c.index, c.last = c.counts[:0], nil, configCount{}
}

// add adds a launch.
func (c *configCounts) add(launch int, config uint32) {
	if config == c.last.config && c.last.n > 0 {
		c.last.n++
		return
	}
	c.change(launch, config)
}

// change begins a run.
func (c *configCounts) change(launch int, config uint32) {
	c.flush()
	c.last = configCount{config: config, n: 1, first: launch}
}

// end returns what was counted, in the order of the first launches.
func (c *configCounts) end() []configCount {
	c.flush()
	return c.counts
}

// flush counts the last run.
func (c *configCounts) flush() {
	if c.last.n == 0 {
		return
	}
	if i, ok := c.find(c.last.config); ok {
		c.counts[i].n += c.last.n
	} else {
		if c.index != nil {
			c.index[c.last.config] = len(c.counts)
		}
		c.counts = append(c.counts, c.last)
	}
	c.last.n = 0
}

func (c *configCounts) find(config uint32) (i int, ok bool) {
	if len(c.counts) <= maxListed {
		for i := range c.counts {
			if c.counts[i].config == config {
				return i, true
			}
		}
		return 0, false
	}
	if c.index == nil {
		c.index = map[uint32]int{}
		for i := range c.counts {
			c.index[c.counts[i].config] = i
		}
	}
	i, ok = c.index[config]
	return i, ok
}
